"""The run that the options of `python -m study.train` mean."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from study.commands.options.models import chosen
from study.commands.options.train import ALONE, Train
from study.config import DataConfig, RunConfig
from study.config.arms import parse
from study.config.checks.require import MOST_PX, MOST_WORKERS, whole
from study.models import backbones
from study.models.weights import available
from study.recipes import Recipe, scaling
from study.storage import opened


def config(command: Train, recipe: Recipe | None = None) -> RunConfig:
    """The whole configuration; the data are not looked at.

    Raises:
        ValueError: an argument that does not fit; says which and why.
    """
    whole("workers", command.workers, 1, MOST_WORKERS)
    run = _of_recipe(command, recipe) if recipe else _alone(command)
    rates = {"lr": command.lr, "weight_decay": command.weight_decay}
    arm = parse(command.arm) if command.arm is not None else None
    plan = run.schedule
    if command.lengths is not None or command.tail:
        lengths = plan.lengths if command.lengths is None else command.lengths
        plan = scaling.at_lengths(plan, lengths, command.tail or plan.tail)
    if command.factor is not None:
        plan = replace(plan, factors=command.factor)
    if command.workers < 1 or run.optim.batch_size % command.workers:
        size = run.optim.batch_size
        raise ValueError(f"workers = {command.workers}: must divide the batch of {size} images")
    run = replace(
        run,
        trial_id=opened(command.run_dir).absolute().name if command.run_dir else run.trial_id,
        arm=arm.name if arm else run.arm,
        init=arm.init if arm else run.init,
        size=run.size if command.size is None else command.size,
        draw=command.draw,
        seed=command.seed,
        split=command.split,
        model=replace(run.model, **_given({"crop_px": command.crop_px})),
        optim=replace(run.optim, **_given(rates)),
        schedule=plan,
        device=command.device,
        compute=command.compute,
        precision=command.precision,
        threads=command.threads,
    )
    backbones.require(run.model)
    return run


def every_image(command: Train, recipe: Recipe | None) -> bool:
    """Whether the run trains on as many images as there are."""
    if recipe is None or command.size is not None or command.tiny:
        return False
    return command.data.given or recipe.every_image


def weights_lacking(run: RunConfig) -> str | None:
    """Why the run cannot have its initial weights, if that can be said without reading any."""
    try:
        available.require(run)
    except ValueError as error:
        return str(error)
    return None


def _alone(command: Train) -> RunConfig:
    """The run without a recipe: rate and iterations are meant for the batch that is given."""
    if command.tiny:
        raise ValueError("tiny: reduces a recipe; without one the run is small as it is")
    data = command.data.over(ALONE.data, "custom")
    run = replace(ALONE, data=data, model=chosen(ALONE.model, command.model, command.detector))
    if command.batch_size is not None:
        run = replace(run, optim=replace(run.optim, batch_size=command.batch_size))
    return _scaled(run, command.short_px)


def _of_recipe(command: Train, recipe: Recipe) -> RunConfig:
    """The recipe's run at the scale that the command asks for."""
    for name in ("model", "detector"):
        if (value := getattr(command, name)) is not None:
            raise ValueError(
                f"{name} = {value!r}: the recipe {recipe.name} has its own; leave one out"
            )
    data = _recipe_data(command, recipe)
    if command.tiny:
        sizes = {"batch_size": command.batch_size, "short_px": command.short_px}
        return scaling.reduced(recipe.run, data=data, **_given(sizes))
    run = replace(recipe.run, data=data)
    if command.batch_size is not None:
        run = scaling.at_batch(run, command.batch_size)
    return _scaled(run, command.short_px)


def _scaled(run: RunConfig, short_px: int | None) -> RunConfig:
    """The run on images of another shorter side, if one is given."""
    if short_px is None:
        return run
    whole("short_px", short_px, 32, MOST_PX, " px")
    return scaling.at_scale(run, short_px)


def _recipe_data(command: Train, recipe: Recipe) -> DataConfig:
    """The recipe's data, the command's, or the embedded ones; of own data none are held out."""
    own = command.data
    if command.tiny and not own.given and own.root is None:
        return own.over(scaling.EMBEDDED, "custom")
    data = own.over(recipe.run.data, "custom")
    if not own.given:
        return data
    held_out = 0 if data.tune is None and data.tune_size is None else data.tune_size
    annotated_only = recipe.run.data.annotated_only
    return replace(data, tune_size=held_out, annotated_only=annotated_only)


def _given(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}
