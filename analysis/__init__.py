"""From run directories to an answer: frames, statistics, tables, figures, a report.

    results = analysis.load("runs/demo")   # pandas frames: results.trials, .curves, .costs, ...
    table = analysis.answer(results)       # per size: both arms, their difference, intervals
    for _, row in table.iterrows():
        print(analysis.in_words(row))      # in words, never more than the interval allows

`python -m analysis RUN_DIR` prints this and writes `RUN_DIR/report/index.html`. Only files are
read, so an unfinished study gives the same frames as far as it got. A study that searches other
hyper-parameters too has a column for each of them, by its name in OptimConfig, beside every column
of weight_decay. The frames and their columns:
"""

from analysis.answers import columns as _of_answers
from analysis.answers.answer import answer
from analysis.answers.catch_up import catch_up
from analysis.answers.comparison import compare
from analysis.answers.crossover import crossover
from analysis.answers.ladder import ladder
from analysis.answers.learnt import learnt
from analysis.answers.pairs import pairs
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
from analysis.answers.settings import best
from analysis.answers.starts import starts
from analysis.answers.stats import Difference, Estimate, difference, mean_interval
from analysis.answers.worth import worth
from analysis.detections import columns as _of_detections
from analysis.detections.images import image_bootstrap
from analysis.detections.mistakes import errors
from analysis.published import columns as _of_paper
from analysis.published.against import against_paper, load_runs
from analysis.published.hypotheses import hypotheses
from analysis.published.numbers import paper
from analysis.reading import columns as _of_records
from analysis.reading.columns import describe as _described
from analysis.reading.load import Results, load
from analysis.report import columns as _of_flags
from analysis.report.flags import flags
from analysis.text.words import headline, in_words
from analysis.tuning import columns as _of_tuning
from analysis.tuning.cross_tuning import cross_tuning
from analysis.tuning.curve import tuning_curve
from analysis.tuning.importance import importance
from analysis.tuning.stop_audit import stop_audit
from analysis.tuning.variation import variation

__all__ = [
    "FRAMES",
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
    "in_words",
    "ladder",
    "learnt",
    "load",
    "load_runs",
    "mean_interval",
    "pairs",
    "paper",
    "pretraining",
    "seen",
    "seen_by",
    "starts",
    "stop_audit",
    "tuning_curve",
    "variation",
    "worth",
]

FRAMES = (
    _of_records.FRAMES
    | _of_answers.FRAMES
    | _of_tuning.FRAMES
    | _of_detections.FRAMES
    | _of_flags.FRAMES
    | _of_paper.FRAMES
)
"""Every frame by name: what a row of it is, and its columns."""

__doc__ = (__doc__ or "") + _described(FRAMES)
