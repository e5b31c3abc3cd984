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
for _, row in answer.iterrows():
    middle = (row["AP_box_arm"] + row["AP_box_reference"]) / 2
    gap, low, high = (row[f"AP_box_difference{end}"] for end in ("", "_low", "_high"))
    ax.annotate(
        f"{gap:+.1f} AP\n({low:.1f} to {high:.1f})",
        (row["size"], middle),
        textcoords="offset points",
        xytext=(10, 0) if row["size"] == answer["size"].min() else (-10, 0),
        ha="left" if row["size"] == answer["size"].min() else "right",
        va="center",
    )
(left, *_, right) = sorted(answer["size"])
for arm, side in (("arm", 7), ("reference", -20)):
    last = answer[answer["size"] == right].iloc[0]
    name, place = last[arm], (right, last[f"AP_box_{arm}"])
    offset = {"textcoords": "offset points", "xytext": (-8, side), "ha": "right"}
    ax.annotate(name, place, color=arms[name].colour, weight="bold", **offset)
ax.set_ylim(0, 1.15 * answer["AP_box_arm"].max())
ax.set_ylabel("box AP on the report split")
figure.savefig(picture, metadata={"Date": None})
