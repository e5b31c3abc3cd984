"""The report's figures: inline SVG that follows the page's colours, each with its text.

Every panel is a picture of its own, so that the page can set them side by side or below each
other and the lettering keeps its size.
"""

from __future__ import annotations

import io
import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pandas as pd
from markupsafe import Markup, escape
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure as Canvas

from analysis.answers.crossover import crossover, within
from analysis.answers.crossover import told as crossover_told
from analysis.answers.seen import seen as account
from analysis.drawing import learning, mistakes, sizes, style, tuning
from analysis.drawing import seen as drawn_seen
from analysis.drawing.looks import INK, PAPER, RULE, Look
from analysis.reading.frames import groups, rows, values, where
from analysis.reading.load import Results
from analysis.text.words import between, images, listed, number, points, titled

PANEL = (4.9, 3.5)  # inches of 72 px


@dataclass(frozen=True)
class Figure:
    """One panel of the report."""

    title: str
    alt: str  # what the picture shows, in words
    svg: Markup


def by_size(results: Results, study: str, looks: dict[str, Look]) -> list[Figure]:
    """AP against training-set size, box and mask; no panels for a study of one size."""
    if len(results.sizes(study)) < 2:
        return []
    marked = within(crossover(results), study)
    found: list[Figure] = []
    for kind in ("box", "mask"):
        frame = sizes.by_size(results, study, kind)
        means = where(frame, what="mean")
        if means.empty:
            continue
        said = [
            f"{arm}: "
            + ", ".join(
                f"{between(row['AP'], row['low'], row['high'])} at {row['size']:,}"
                for row in rows(where(means, arm=arm))
            )
            for arm in dict.fromkeys(means["arm"])
        ]
        alt = f"{kind} AP against the number of training images. " + "; ".join(said) + "."
        ends = marked if kind == "box" else []
        alt += "".join(f" {crossover_told(end)}." for end in ends)

        def draw(ax: Axes, frame: Any = frame, kind: str = kind, ends: list[Any] = ends) -> None:
            sizes.draw_by_size(ax, frame, looks, kind, ends)

        title = f"{kind.capitalize()} AP against training images"
        found.append(figure(f"size-{kind}", title, alt, draw, looks))
    return found


def learning_curves(results: Results, study: str, looks: dict[str, Look]) -> list[Figure]:
    """AP against images seen, a panel for each size."""
    found: list[Figure] = []
    for size in results.sizes(study):
        frame = learning.learning_curves(results, study, size)
        if frame.empty:
            continue
        told = [
            f"the chosen trial of {arm} goes from {points(row[0]['AP_box'])} at"
            f" {row[0]['images_seen']:,} images seen to {points(row[-1]['AP_box'])} at"
            f" {row[-1]['images_seen']:,}"
            for arm in looks
            if (row := rows(where(frame, arm=arm, chosen=True)))
        ]
        alt = f"Box AP against images seen, {images(size)}: {listed(told)}."

        def draw(ax: Axes, frame: Any = frame) -> None:
            learning.draw_learning_curves(ax, frame, looks)

        found.append(figure(f"curves-{size}", images(size), alt, draw, looks))
    return found


def maps(
    results: Results, study: str, looks: dict[str, Look], axes: tuple[str, str]
) -> list[Figure]:
    """One hyper-parameter against another, a panel for each size and arm."""
    x, y = axes
    found: list[Figure] = []
    for size in results.sizes(study):
        scores = values(where(results.trials, study=study, size=size, role="tune"), "AP_box")
        highest = max(filter(math.isfinite, scores), default=1.0)
        for arm, look in looks.items():
            frame = tuning.trial_map(results, study, size, arm)
            if frame.empty:
                continue
            best = rows(where(frame, chosen=True))
            alt = (
                f"{len(frame)} trials of {arm} with {images(size)} by {titled(x)} and {titled(y)}."
            )
            for row in best:
                alt += (
                    f" The best, {points(row['AP_box'])} AP, is at {titled(x)} {number(row[x])}"
                    f" and {titled(y)} {number(row[y])}."
                )

            def draw(
                ax: Axes, frame: Any = frame, look: Look = look, top: float = highest
            ) -> None:
                tuning.draw_trial_map(ax, frame, look, top, axes)

            title = f"{images(size)}, {arm}"
            found.append(figure(f"map-{size}-{arm}", title, alt, draw, looks))
    return found


def seen(results: Results, study: str, looks: dict[str, Look]) -> list[Figure]:
    """What the arms have seen, a panel for each size; none if no pre-training is known of."""
    found: list[Figure] = []
    every = where(account(results), study=study)
    for size in results.sizes(study):
        mine = where(every, size=size)
        frame = drawn_seen.seen(mine)
        if where(frame, part="pretraining").empty:
            continue
        told = [
            f"{arm} has seen "
            + listed(f"{number(row['ratio'])} times as many {row['currency']}" for row in known)
            + f" as {known[0]['reference']}"
            for arm in looks
            if (known := [row for row in rows(where(mine, arm=arm)) if row["ratio"] > 0])
            and known[0]["reference"] != arm
        ]
        alt = f"Seen in pre-training and training with the chosen setting: {'; '.join(told)}."

        def draw(ax: Axes, frame: Any = frame) -> None:
            drawn_seen.draw_seen(ax, frame, looks)

        found.append(figure(f"seen-{size}", images(size), alt, draw, looks))
    return found


def errors(frame: pd.DataFrame, looks: dict[str, Look]) -> list[Figure]:
    """What each kind of mistake costs each arm, a panel for each size of one study."""
    found: list[Figure] = []
    for (size,), mine in groups(frame, "size"):
        told = [
            f"{arm}: " + ", ".join(f"{row['error']} {points(row['cost'])}" for row in costs)
            for arm in looks
            if (costs := rows(where(mine, arm=arm)))
        ]
        alt = f"AP50 lost to each kind of mistake at {images(size)}. {'; '.join(told)}."

        def draw(ax: Axes, mine: Any = mine) -> None:
            mistakes.draw_errors(ax, mine, looks)

        found.append(figure(f"errors-{size}", images(size), alt, draw, looks))
    return found


def figure(
    name: str, title: str, alt: str, draw: Callable[[Axes], None], looks: dict[str, Look]
) -> Figure:
    with rc_context({**style.STYLE, "svg.hashsalt": name}):
        canvas = Canvas(figsize=PANEL, layout="constrained")
        renderer = FigureCanvasSVG(canvas)
        draw(canvas.add_subplot())
        text = io.StringIO()
        # the same bytes as `savefig`, which draws once more, without need, for the layout
        renderer.print_svg(text, metadata={"Date": None})
    return Figure(title, alt, _inline(text.getvalue(), name, alt, looks))


def _inline(svg: str, name: str, alt: str, looks: dict[str, Look]) -> Markup:
    """The drawing as part of a page: its own ids, no metadata, colours that follow the theme."""
    body = svg[svg.index("<svg") :]
    body = re.sub(r"<metadata>.*?</metadata>", "", body, flags=re.DOTALL)
    key = re.sub(r"\W+", "-", name)
    body = re.sub(r'\bid="([^"]+)"', rf'id="{key}-\1"', body)
    body = re.sub(r'(url\(#|href="#)', rf"\1{key}-", body)
    themed = {INK: "currentColor", RULE: "var(--rule)", PAPER: "var(--page)"}
    themed |= {look.colour: f"var(--arm-{i})" for i, look in enumerate(looks.values())}
    for colour, variable in themed.items():
        body = body.replace(colour, variable)
    head, rest = body[: body.index(">") + 1], body[body.index(">") + 1 :]
    head = re.sub(r' (width|height)="[^"]*"', "", head)
    label = f' role="img" aria-label="{escape(alt)}">'
    return Markup(head[:-1] + label + rest)
