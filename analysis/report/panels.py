"""More panels of the page: chosen trials on their way, the search, and what it all cost."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes

from analysis.drawing import learning, sizes, spending
from analysis.drawing import tuning as search
from analysis.drawing.looks import Look
from analysis.reading.frames import groups, rows, values, where
from analysis.reading.load import Results
from analysis.report.figures import Figure, figure
from analysis.text.words import ENOUGH, between, counted, images, listed, number, points
from study.commands.words import duration

SMALL = 2  # sizes whose training loss is shown beside their AP, the smallest ones


def leads(answer: pd.DataFrame, study: str, looks: dict[str, Look]) -> list[Figure]:
    """Each arm's lead over the reference by size, one panel; none for a study of one size."""
    mine = where(answer, study=study)
    frame = sizes.leads(mine)
    if len(set(frame["size"])) < 2:
        return []
    reference = values(mine, "reference")[0]
    told = [
        f"{arm}: "
        + ", ".join(
            f"{between(row['AP'], row['low'], row['high'])} at {row['size']:,}"
            for row in rows(where(frame, arm=arm))
        )
        for arm in dict.fromkeys(frame["arm"])
    ]
    alt = f"Box AP above {reference} against training images. {'; '.join(told)}."

    def draw(ax: Axes) -> None:
        sizes.draw_leads(ax, frame, looks, reference)

    return [figure("leads", f"Box AP above {reference}", alt, draw, looks)]


def leaps(results: Results, study: str, looks: dict[str, Look]) -> list[Figure]:
    """AP against iterations with a leap at every tail, a panel for each size."""
    found: list[Figure] = []
    for size in results.sizes(study):
        frame = learning.leaps(results, study, size)
        if frame.empty:
            continue
        told = [
            f"{arm} ends at "
            + listed(f"{points(row['AP_box'])} after {number(row['length'])}" for row in ends)
            for (arm,), tails in groups(where(frame, part="tail"), "arm")
            if (ends := rows(tails.drop_duplicates("length", keep="last")))
        ]
        alt = f"Box AP against iterations, {images(size)}, chosen settings: {'; '.join(told)}."

        def draw(ax: Axes, frame: pd.DataFrame = frame) -> None:
            learning.draw_leaps(ax, frame, looks)

        title = f"{images(size)}: AP by iterations"
        found.append(figure(f"leaps-{size}", title, alt, draw, looks))
    return found


def losses(results: Results, study: str, looks: dict[str, Look]) -> list[Figure]:
    """Training loss against iterations at the smallest sizes."""
    found: list[Figure] = []
    for size in results.sizes(study)[:SMALL]:
        frame = learning.losses(results, study, size)
        if frame.empty:
            continue
        told = [
            f"{arm} goes from {first['loss']:.2f} to {last['loss']:.2f}"
            for (arm,), mine in groups(frame, "arm")
            for first, last in [(rows(mine)[0], rows(mine)[-1])]
        ]
        alt = f"Training loss against iterations, {images(size)}: {listed(told)}."

        def draw(ax: Axes, frame: pd.DataFrame = frame) -> None:
            learning.draw_losses(ax, frame, looks)

        title = f"{images(size)}: training loss"
        found.append(figure(f"loss-{size}", title, alt, draw, looks))
    return found


def tuning(
    table: pd.DataFrame, study: str, tried: list[int], looks: dict[str, Look]
) -> list[Figure]:
    """Rows of `analysis.tuning_curve`: the expected best by number of trials, by size."""
    found: list[Figure] = []
    for size in tried:
        frame = where(table, study=study, size=size)
        if frame.empty or max(values(frame, "trials")) < ENOUGH:
            continue
        told = [
            f"{arm} goes from {points(first['AP_box'])} with one trial to"
            f" {points(last['AP_box'])} with {last['trials']}"
            for (arm,), mine in groups(frame, "arm")
            for first, last in [(rows(mine)[0], rows(mine)[-1])]
        ]
        alt = f"Expected best box AP by number of trials, {images(size)}: {listed(told)}."

        def draw(ax: Axes, frame: pd.DataFrame = frame) -> None:
            search.draw_tuning(ax, frame, looks)

        found.append(figure(f"tuning-{size}", images(size), alt, draw, looks))
    return found


def parallel(results: Results, study: str, looks: dict[str, Look]) -> list[Figure]:
    """Every trial across its hyper-parameters, a panel for each size."""
    found: list[Figure] = []
    for size in results.sizes(study):
        frame = search.parallel(results, study, size)
        if len(set(frame["trial_id"])) < 2:
            continue
        spans = [
            f"{search.axis_title(axis)} {number(min(mine))} to {number(max(mine))}"
            for axis in dict.fromkeys(frame["axis"])
            for mine in [values(where(frame, axis=axis), "value")]
        ]
        count = counted(len(set(frame["trial_id"])), "trial")
        alt = f"{count} with {images(size)} as lines across {listed(spans)}."

        def draw(ax: Axes, frame: pd.DataFrame = frame) -> None:
            search.draw_parallel(ax, frame, looks)

        found.append(figure(f"parallel-{size}", images(size), alt, draw, looks))
    return found


def timeline(results: Results, study: str, looks: dict[str, Look]) -> list[Figure]:
    """When trials ran and how they ended, one panel."""
    frame = spending.timeline(results, study)
    if frame.empty or not max(values(frame, "ended")) > 0:
        return []
    ended: dict[str, int] = {}
    for state in values(frame, "state"):
        ended[state] = ended.get(state, 0) + 1
    told = listed(f"{count} {state}" for state, count in ended.items())
    hours = duration(3600 * max(values(frame, "ended")))
    alt = f"When each of {counted(len(frame), 'trial')} ran, over {hours}: {told}."

    def draw(ax: Axes) -> None:
        spending.draw_timeline(ax, frame, looks)

    return [figure("timeline", "When trials ran, and how they ended", alt, draw, looks)]


def spent(results: Results, study: str, looks: dict[str, Look]) -> list[Figure]:
    """Device time by size, arm and role, one panel."""
    frame = spending.spent(results, study)
    if frame.empty or not sum(values(frame, "device_hours")) > 0:
        return []
    told = [
        f"{arm} with {images(size)} "
        + listed(f"{duration(3600 * row['device_hours'])} for {row['role']}" for row in rows(mine))
        for (size, arm), mine in groups(frame, "size", "arm")
    ]
    alt = f"Device time by role: {'; '.join(told)}."

    def draw(ax: Axes) -> None:
        spending.draw_spent(ax, frame, looks)

    return [figure("spent", "Device time by role", alt, draw, looks)]
