"""What is printed of recipes: the table of all, and what one run will do."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from itertools import groupby
from pathlib import Path

from rich import box
from rich.table import Table

from study.config import PATHS, RunConfig
from study.config.schedule import independent_iterations, iterations
from study.data.distribution.downloads import absent
from study.recipes import cost
from study.recipes.recipe import IMAGES, Published, Recipe
from study.storage.run_dir import Record

STANDINGS = (
    "[V] read in the paper, [C] in the code or documentation it belongs to, [2] reported by"
    " another document, [D] derived"
)
ASSUMED = (
    f"GPU-hours are ASSUMED: R50-FPN at {cost.R50_SPEED:g} images/s of a GPU, the others by"
    " published ratios; evaluation comes on top"
)
MISTAKE = "A MISTAKE, on purpose: "


def table(recipes: Iterable[Recipe]) -> Table:
    """A row for each recipe."""
    found = Table(box=box.SIMPLE_HEAD, show_edge=False, padding=(0, 1, 0, 0))
    for title in ("recipe", "reproduces", "iterations of 16 images", "paper"):
        found.add_column(title, no_wrap=True)
    found.add_column("GPU-hours", justify="right", no_wrap=True)
    for recipe in recipes:
        hours = cost.gpu_hours(recipe.run)
        found.add_row(
            recipe.name,
            (MISTAKE if recipe.mistake else "") + recipe.reproduces,
            " ".join(f"{length / 1000:g}k" for length in recipe.run.schedule.lengths),
            _in_short(recipe.paper),
            "" if hours is None else f"{hours:,.0f}",
        )
    return found


def _in_short(paper: tuple[Published, ...]) -> str:
    """The first metric as its first source has it."""
    if not paper:
        return "no number"
    head = paper[0]
    same = [row for row in paper if (row.metric, row.source) == (head.metric, head.source)]
    return f"{head.metric} {' '.join(str(row.value) for row in same)} [{head.standing}]"


def described(
    run: RunConfig, recipe: Recipe | None, paper: Collection[Published] = ()
) -> Iterator[str]:
    """A line for everything that the run will do; of a recipe also what the paper got.

    `paper`: of the recipe's numbers those that the run is to be compared with.
    """
    schedule, optim, model = run.schedule, run.optim, run.model
    if recipe:
        mistake = MISTAKE if recipe.mistake else ""
        yield f"recipe      {recipe.name}: {mistake}{recipe.reproduces}"
    yield f"arm         {run.arm}: {'random weights' if run.init is None else run.init}"
    yield f"model       {model.body.name}, norm {model.body.norm}, as {model.fidelity} has it"
    scale = model.train_short_px or (model.short_px,)
    yield (
        f"images      {run.size:,} to train on, {optim.batch_size} an iteration, shorter side"
        f" {' to '.join(map(str, scale))} px"
    )
    yield (
        f"rate        {optim.lr:g} after {schedule.warmup:,} iterations of warm-up, weight decay"
        f" {optim.weight_decay:g}"
    )
    for length in schedule.lengths:
        first, second = (length - before for before in schedule.tail)
        seen = length * optim.batch_size
        yield (
            f"length      {length:,} iterations, rate × {' or '.join(map(str, schedule.factors))}"
            f" at {first:,} and {second:,}: {seen:,} images, {seen / run.size:.1f} epochs"
        )
    if schedule.watch:
        points = f"{len(schedule.watch)} of its iterations"
        yield f"curve       the trunk is evaluated too, at {points}"
    if schedule.cascade_last is not None:
        joined = max(0, schedule.lengths[-1] - schedule.cascade_last)
        yield f"cascade     the later stages join at {joined:,}"
    alone = independent_iterations(schedule)
    shared = (
        f" ({alone:,} if every length were run by itself)" if len(schedule.lengths) > 1 else ""
    )
    yield f"iterations  {iterations(schedule):,} in all{shared}, {cost.images(run):,} images"
    hours = cost.gpu_hours(run)
    if hours is not None:
        yield f"time        {hours:,.1f} GPU-hours; {ASSUMED}"
    if recipe:
        yield from published(paper, run)
        if paper:
            yield f"            {STANDINGS}"
        else:
            why = "its numbers are of other settings than these" if recipe.paper else "no number"
            yield f"paper       {why}"
        yield from (f"note        {note}" for note in recipe.notes)
    yield from _data(run)


def published(paper: Iterable[Published], run: RunConfig) -> Iterator[str]:
    """A line for each metric and source, with the lengths counted as the run counts them."""

    def place(row: Published) -> tuple[str, str, str]:
        return row.metric, row.standing, row.source

    def one(row: Published) -> str:
        if row.length is None:
            return f"{row.value}"
        return f"{row.value} at {round(row.length * IMAGES / run.optim.batch_size):,}"

    for (metric, standing, source), found in groupby(paper, place):
        yield f"paper       {metric} {', '.join(map(one, found))} [{standing}, {source}]"


def _data(run: RunConfig) -> Iterator[str]:
    """Each file or folder that is needed, and what is missing of a published set."""
    if run.data.generated:
        yield "data        the embedded images, made on the spot"
        return
    data = run.data.absolute()
    for name in PATHS:
        if path := getattr(data, name):
            yield f"data        {path}: {'there' if Path(path).exists() else 'NOT there'}"
    yield from (absent(run.data) or "").splitlines()


def beside(record: Record, paper: Iterable[Published]) -> str:
    """The published numbers of the record's length, to be read beside it; or nothing."""
    seen = record["images_seen"] if record["weights"] == "tail" else None
    found = [
        f"{row.metric} {row.value} [{row.standing}]"
        for row in paper
        if row.length is not None and row.length * IMAGES == seen
    ]
    return f"  (paper: {', '.join(found)})" if found else ""
