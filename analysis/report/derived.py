"""Every table of a report, computed once: by the name of the file that it is written to."""

from __future__ import annotations

import numpy as np
import pandas as pd

from analysis.answers import answer as answers
from analysis.answers import settings
from analysis.answers.catch_up import catch_up
from analysis.answers.crossover import of_answer
from analysis.answers.ladder import ladder
from analysis.answers.learnt import learnt
from analysis.answers.pairs import pairs
from analysis.answers.seen import seen
from analysis.answers.starts import starts
from analysis.answers.worth import worth
from analysis.published import against
from analysis.published.hypotheses import hypotheses
from analysis.reading.load import Results
from analysis.report.flags import flags
from analysis.tuning import cross_tuning, curve, stop_audit
from analysis.tuning.importance import importance
from analysis.tuning.variation import variation

Tables = dict[str, pd.DataFrame]


def derived(results: Results) -> Tables:
    """What a study's files hold, and what follows from it.

    Bands and resamples are drawn with generators of fixed seed, so that they stay the same when a
    report is written anew.
    """
    answer = answers.answer(results)
    return {
        "answer": answer,
        "pairs": pairs(results),
        "starts": starts(results),
        "crossover": of_answer(answer),
        "worth": worth(results),
        "catch_up": catch_up(results),
        "ladder": ladder(results),
        "learnt": learnt(results),
        "best": settings.best(results),
        "importance": importance(results),
        "tuning_curve": curve.tuning_curve(results, np.random.default_rng(0)),
        "variation": variation(results, np.random.default_rng(0)),
        "cross_tuning": cross_tuning.cross_tuning(results),
        "stop_audit": stop_audit.stop_audit(results),
        "against_paper": against.against_paper(results),
        "hypotheses": hypotheses(results),
        "seen": seen(results),
        "flags": flags(results),
        "trials": results.trials,
        "tails": results.tails,
        "curves": results.curves,
        "confirmations": results.confirmations,
        "costs": results.costs,
        "strips": results.strips,
        "init_reports": results.init_reports,
    }
