"""The picture of the README: python docs/picture.py RUN_DIR docs/answer.svg"""

import sys

import matplotlib.pyplot as plt

import analysis
from analysis.drawing import sizes
from analysis.drawing.looks import looks

run_dir, picture = sys.argv[1:]
results = analysis.load(run_dir)
(study,) = results.manifests
answer = analysis.answer(results)
arms = looks(results.trials["arm"].unique())

plt.rcParams |= {"svg.hashsalt": "answer", "svg.fonttype": "none", "font.size": 10}
figure, ax = plt.subplots(figsize=(7, 3.4), layout="constrained")
sizes.draw_by_size(ax, sizes.by_size(results, study), arms)
ends = {answer["size"].min(): "left", answer["size"].max(): "right"}
for _, row in answer.iterrows():
    gap, low, high = (row[f"AP_box_difference{end}"] for end in ("", "_low", "_high"))
    below = min(row["AP_box_arm_low"], row["AP_box_reference_low"])
    ax.annotate(
        f"{gap:+.1f} AP\n({low:.1f} to {high:.1f})",
        (row["size"], below),
        textcoords="offset points",
        xytext=(0, -6),
        ha=ends.get(row["size"], "center"),
        va="top",
    )
first = answer[answer["size"] == answer["size"].min()].iloc[0]
for side in ("arm", "reference"):
    name, place = first[side], (first["size"], first[f"AP_box_{side}"])
    offset = {"textcoords": "offset points", "xytext": (9, 14 if side == "arm" else -12)}
    ax.annotate(name, place, color=arms[name].colour, weight="bold", **offset)
ax.set_ylim(0, 1.15 * answer["AP_box_arm_high"].max())
ax.set_ylabel("box AP on the report split")
figure.savefig(picture, metadata={"Date": None})
