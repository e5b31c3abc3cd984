"""What the page says beside the answer: what to do, where a lead ends, how many labelled images
it is worth, how soon it is caught up, and what tuning, luck and each hyper-parameter had to do
with it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from analysis.answers import pairs, starts
from analysis.answers.advice import advice, untold
from analysis.answers.catch_up import told as caught_up
from analysis.answers.crossover import told as ended
from analysis.answers.ladder import told as ladders
from analysis.answers.learnt import spoken
from analysis.answers.worth import told as worth_told
from analysis.drawing.looks import Look
from analysis.reading.columns import SETTING
from analysis.reading.frames import rows
from analysis.reading.load import Results
from analysis.report import figures, panels
from analysis.report.derived import Tables
from analysis.report.gaps import grid
from analysis.text import words
from analysis.text.words import titled
from analysis.tuning.curve import told as tuned_more
from analysis.tuning.importance import foremost
from analysis.tuning.importance import layout as important
from analysis.tuning.variation import told as luck


def context(results: Results, study: str, looks: dict[str, Look], made: Tables) -> dict[str, Any]:
    """Sentences, tables and panels, by the names that the page's template calls them by."""
    stages = made["learnt"]
    tuned, weighed = (spoken(made[name], stages, "arm") for name in ("tuning_curve", "importance"))
    told = (weighed["withheld"] == "").to_numpy()
    shared, unsaid = weighed.loc[told], weighed.loc[~told]
    names = results.searched(study)
    axes = map_axes(shared, names)
    several = starts.several(made["starts"])
    return {
        "several": several,
        "grid": grid(made["starts"]) if several else None,
        "pairs": pairs.layout(made["pairs"], results.arms(study), results.sizes(study)),
        "leads": panels.leads(made["answer"], study, looks) if several else [],
        "beyond": beyond(results, made),
        "maps": figures.maps(results, study, looks, axes),
        "map_axes": [titled(name) for name in axes],
        "untold": [f"{_begun(text)}." for text in untold(spoken(made["best"], stages, "arm"))],
        "left_out": [titled(name) for name in names if name not in axes],
        "importance": important(shared, names) if len(shared) else None,
        "no_shares": sorted(set(unsaid["withheld"])) if shared.empty else [],
        "luck": luck(compared(made["variation"], results, made)),
        "tuning_told": tuned_more(tuned),
        "no_band": sorted({why for why in tuned["no_band"] if why}),
        "tuning": panels.tuning(tuned, study, results.sizes(study), looks),
        "leaps": panels.leaps(results, study, looks),
        "losses": panels.losses(results, study, looks),
        "parallel": panels.parallel(results, study, looks),
        "timeline": panels.timeline(results, study, looks),
        "spent": panels.spent(results, study, looks),
    }


def headline(results: Results, made: Tables) -> str:
    """The answer in a few sentences: of three arms and more, which to start from."""
    if starts.several(made["starts"]):
        return " ".join(starts.told(made["starts"]))
    return words.headline(made["answer"])


def map_axes(importance: pd.DataFrame, names: Sequence[str]) -> tuple[str, str]:
    """The two hyper-parameters that decide most of what was searched, in their usual order."""
    two = sorted(foremost(importance, names)[:2], key=list(names).index)
    first, second, *_ = dict.fromkeys([*two, *SETTING])  # if fewer than two were searched
    return first, second


def beyond(results: Results, made: Tables) -> list[str]:
    """What follows the headline, in sentences."""
    leads = [text for text in map(ended, rows(made["crossover"])) if text]
    met = spoken(made["catch_up"], made["learnt"], "reference", "arm")
    apart = met.loc[(met["AP_box_arm"] > met["margin"]).to_numpy()]  # or there is nothing to reach
    went = ladders(made["ladder"])
    best = spoken(made["best"], made["learnt"], "arm")
    said = [
        *leads,
        *worth_told(spoken(made["worth"], made["learnt"], "reference", "arm")),
        *caught_up(apart),
        *went,
        *advice(best, results.searched),
    ]
    return [f"{_begun(text)}." for text in said]


def compared(table: pd.DataFrame, results: Results, made: Tables) -> pd.DataFrame:
    """The rows of an arm beside the reference, where both have learnt."""
    references = [results.arms(study)[0] for study in table["study"]]
    return spoken(table.assign(reference=references), made["learnt"], "reference", "arm")


def _begun(text: str) -> str:
    """With a capital, unless it begins with a name that would be another then: my_own, b/16."""
    first = text.split(" ", 1)[0].removesuffix(",").removesuffix("'s")
    return text[0].upper() + text[1:] if first.isalpha() else text
