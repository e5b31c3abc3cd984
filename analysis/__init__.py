"""From run directories to an answer: frames, statistics, tables, figures, a report.

    results = analysis.load("runs/demo")   # pandas frames: results.trials, .curves, .costs, ...
    table = analysis.answer(results)       # per size: both arms, their difference, intervals
    for _, row in table.iterrows():
        print(analysis.verdict(row))       # in words, never more than the interval allows

`python -m analysis RUN_DIR` prints this and writes `RUN_DIR/report/index.html`. Only files are
read, so an unfinished study gives the same frames as far as it got. The frames and their columns:
"""

from analysis.answers.catch_up import catch_up
from analysis.answers.comparison import compare
from analysis.answers.crossover import crossover
from analysis.answers.seen import (
    IMAGENET_100_EPOCHS,
    Account,
    Seen,
    break_even,
    coco,
    pretraining,
    seen,
    seen_by,
)
from analysis.answers.stats import Difference, Estimate, difference, mean_interval
from analysis.answers.tables import answer, best
from analysis.detections.images import image_bootstrap
from analysis.detections.mistakes import errors
from analysis.published import columns as paper_columns
from analysis.published.against import against_paper, load_runs
from analysis.published.hypotheses import hypotheses
from analysis.published.numbers import paper
from analysis.reading import columns
from analysis.reading.load import Results, load
from analysis.report.flags import flags
from analysis.text.words import headline, verdict
from analysis.tuning.crossing import cross_tuning
from analysis.tuning.curve import tuning_curve
from analysis.tuning.importance import importance
from analysis.tuning.stopping import stop_audit
from analysis.tuning.variation import variation

__all__ = [
    "IMAGENET_100_EPOCHS",
    "Account",
    "Difference",
    "Estimate",
    "Results",
    "Seen",
    "against_paper",
    "answer",
    "best",
    "break_even",
    "catch_up",
    "coco",
    "compare",
    "cross_tuning",
    "crossover",
    "difference",
    "errors",
    "flags",
    "headline",
    "hypotheses",
    "image_bootstrap",
    "importance",
    "load",
    "load_runs",
    "mean_interval",
    "paper",
    "pretraining",
    "seen",
    "seen_by",
    "stop_audit",
    "tuning_curve",
    "variation",
    "verdict",
]

__doc__ = (__doc__ or "") + columns.describe() + columns.describe(paper_columns.FRAMES)
