# %% [markdown]
# # Reading a study in pandas
#
# Cells for Jupyter, VS Code or Spyder; as a script it prints the same. Every frame's columns are
# described, with units, by `help(analysis)`.

# %%
import matplotlib.pyplot as plt
import numpy as np

import analysis
from analysis.drawing import learning
from analysis.drawing.looks import looks

results = analysis.load("runs/demo")  # or a list of run directories; the study may still run
rng = np.random.default_rng(0)

# %% [markdown]
# ## The answer
#
# One row per size and arm: the tuned AP of both sides on the report split, over fresh seeds, and
# their difference with its interval. `AP_box_equal` is an equivalence test, not a failure to find
# a difference.

# %%
answer = analysis.answer(results)
print(analysis.headline(answer))
gap = ["AP_box_difference", "AP_box_difference_low", "AP_box_difference_high"]
print(answer[["size", "arm", *gap, "AP_box_probability", "AP_box_equal"]].round(2))

# %% [markdown]
# Whether each arm has learnt at all, and had the time to: `nothing` scores less than the same
# boxes on every image would, `rising` still gains steeply from longer training.

# %%
print(analysis.learnt(results)[["size", "arm", "stage", "AP_box", "floor", "steepness"]].round(2))

# %% [markdown]
# Where the lead ends (0: before the smallest size; inf: beyond the largest); how many more
# labelled images an arm is worth: with so many more the reference reaches the same; and after how
# long the reference reaches what the other arm reaches.

# %%
print(analysis.crossover(results).round(0))
print(analysis.worth(results)[["size", "arm", "more", "more_low", "more_high"]].round(0))
print(analysis.catch_up(results)[["size", "length_reference", "length_arm", "longest"]])

# %% [markdown]
# ## How each arm should be trained
#
# `*_edge` says whether the best value lies at the end of what was searched: look further there.

# %%
best = analysis.best(results)
print(best[["size", "arm", "lr", "weight_decay", "length", "AP_box", "lr_edge", "length_edge"]])
print(analysis.importance(results)[["size", "arm", "lr", "weight_decay", "length", "withheld"]])

# %% [markdown]
# ## How sure that is
#
# Seeds and draws are in the intervals. The luck of the search is not, nor is the choice of the
# evaluation images, unless the detections of confirm runs are stored (by default they are).

# %%
print(analysis.variation(results, rng).round(2))
print(analysis.image_bootstrap(results, rng).round(2))
print(analysis.flags(results)["message"].to_string(index=False))

# %% [markdown]
# ## One's own questions
#
# Frames are tidy: a row per trial, per evaluation, per fresh run. For example, the AP of every
# tuning trial against its learning rate, and what an hour of tuning bought.

# %%
tuned = results.trials.query("role == 'tune' and AP_box.notna()")
print(tuned.groupby(["size", "arm"])["AP_box"].describe()[["count", "50%", "max"]].round(1))
hours = results.costs.groupby("arm")["device_seconds"].sum() / 3600
print(hours.round(2))

# %% [markdown]
# Each figure of the report is a function that computes a frame and one that draws it on Axes of
# one's own.

# %%
study, *_ = results.manifests  # the first, of several
size, looked = results.sizes(study)[0], looks(results.arms(study))
figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
learning.draw_learning_curves(left, learning.learning_curves(results, study, size), looked)
learning.draw_leaps(right, learning.leaps(results, study, size), looked)
figure.savefig("learning.png")

# %% [markdown]
# ## The paper's numbers beside one's own
#
# Needs no run: each number has its standing, V for read in the paper.

# %%
paper = analysis.paper()
print(paper.query("source == 'Table 1'")[["arm", "backbone", "length", "value", "standing"]])
print(analysis.hypotheses(results)[["id", "verdict", "claim"]].to_string(index=False))
