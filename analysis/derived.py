"""Every table of a report, computed once: by the name of the file that it is written to."""

from __future__ import annotations

import numpy as np
import pandas as pd

from analysis import crossing, stopping, tables, tuning
from analysis.catching_up import catch_up
from analysis.crossover import of_answer
from analysis.flags import flags
from analysis.importance import importance
from analysis.load import Results
from analysis.published import against
from analysis.published.hypotheses import hypotheses
from analysis.seen import seen
from analysis.variation import variation

Tables = dict[str, pd.DataFrame]


def derived(results: Results) -> Tables:
    """What a study's files hold, and what follows from it.

    Bands and resamples are drawn with generators of fixed seed, so that they stay the same when a
    report is written anew.
    """
    answer = tables.answer(results)
    return {
        "answer": answer,
        "crossover": of_answer(answer),
        "catch_up": catch_up(results),
        "best": tables.best(results),
        "importance": importance(results),
        "tuning_curve": tuning.tuning_curve(results, np.random.default_rng(0)),
        "variation": variation(results, np.random.default_rng(0)),
        "cross_tuning": crossing.cross_tuning(results),
        "stop_audit": stopping.stop_audit(results),
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
        "audits": results.audits,
    }
