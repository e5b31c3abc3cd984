"""The one place that converts a run: to another batch, another image scale, or a size for a CPU.

Everything stays in proportion: images seen by batch, pixels of objects and anchors by scale.
"""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

from study.config import DataConfig, ModelConfig, RunConfig, ScheduleConfig
from study.config.checks.require import require
from study.data.shapes.scenes import KEYPOINTS

LEAST_PX = 32  # of a shorter side, for the configuration and for five levels of a pyramid


def at_batch(run: RunConfig, batch_size: int) -> RunConfig:
    """The same run with so many images an iteration: rate × b / b₀, iterations × b₀ / b.

    Lengths, tail, warm-up and all else that counts iterations see the same images, as in
    detectron2's configurations for 64 images.

    Raises:
        ValueError: not a batch, or lengths that are no longer different.
    """
    require(batch_size >= 1, "optim.batch_size", batch_size, "at least 1")
    before = run.optim.batch_size
    factor = Fraction(before, batch_size)
    return replace(
        run,
        optim=replace(run.optim, batch_size=batch_size, lr=run.optim.lr * batch_size / before),
        schedule=stretched(run.schedule, factor),
        checkpoint_every=max(1, round(run.checkpoint_every * factor)),
    )


def stretched(schedule: ScheduleConfig, factor: Fraction) -> ScheduleConfig:
    """All iterations times `factor`, each rounded to the nearest one.

    What was watched at the trunk's end still is: it is a difference of two rounded numbers, and
    may lie one iteration before its own.
    """

    def times(iterations: int) -> int:
        return round(iterations * factor)

    joined = schedule.cascade_last
    lengths = tuple(map(times, schedule.lengths))
    tail = times(schedule.tail[0]), times(schedule.tail[1])
    watch = dict.fromkeys(min(times(at), lengths[-1] - tail[0]) for at in schedule.watch)
    return replace(
        schedule,
        lengths=lengths,
        tail=tail,
        warmup=times(schedule.warmup),
        cascade_last=None if joined is None else max(1, times(joined)),
        watch=tuple(watch),
    )


def at_lengths(
    schedule: ScheduleConfig, lengths: tuple[int, ...], tail: tuple[int, int]
) -> ScheduleConfig:
    """The schedule with other lengths and tail.

    Iterations after the new trunk are not watched; the stages of a cascade join at the same share
    of the length.
    """
    joined = schedule.cascade_last
    if joined is not None:
        joined = max(1, round(joined * lengths[-1] / schedule.lengths[-1])) if lengths else joined
    trunk = (lengths[-1] if lengths else 0) - tail[0]
    return replace(
        schedule,
        lengths=lengths,
        tail=tail,
        cascade_last=joined,
        watch=tuple(iteration for iteration in schedule.watch if iteration <= trunk),
    )


def at_scale(run: RunConfig, short_px: int) -> RunConfig:
    """The same run on images of another shorter side.

    Longer side, scale augmentation, test scales, anchors and the size that belongs to a level of
    the pyramid change in proportion. No side becomes less than 32 px.
    """
    model = run.model
    factor = short_px / model.short_px

    def side(px: int) -> int:
        return max(LEAST_PX, round(px * factor))

    span = model.train_short_px
    return replace(
        run,
        model=replace(
            model,
            short_px=short_px,
            long_px=side(model.long_px),
            train_short_px=span and (side(span[0]), side(span[1])),
            anchor_px=tuple(px * factor for px in model.anchor_px),
            canonical_px=max(1, round(model.canonical_px * factor)),
        ),
        evaluation=replace(
            run.evaluation,
            short_px=tuple(dict.fromkeys(map(side, run.evaluation.short_px))),
        ),
    )


def fewer_regions(model: ModelConfig, regions: int) -> ModelConfig:
    """The model with at most so many regions an image in its heads, where most of a CPU's time is.

    Of anchors four times as many are sampled, as in Detectron's 256 and, of two images, 512.
    """
    return replace(
        model,
        rpn_samples=min(model.rpn_samples, 4 * regions),
        roi_samples=min(model.roi_samples, regions),
        proposals=(min(model.proposals[0], 2 * regions), min(model.proposals[1], regions)),
        proposals_before_nms=(
            min(model.proposals_before_nms[0], 4 * regions),
            min(model.proposals_before_nms[1], 4 * regions),
        ),
        detections=min(model.detections, regions),
    )


EMBEDDED = DataConfig(tune_size=0, val_size=4)


def reduced(
    run: RunConfig,
    *,
    data: DataConfig = EMBEDDED,
    size: int = 8,
    batch_size: int = 2,
    short_px: int = 64,
    regions: int = 16,
    iterations: int = 6,
) -> RunConfig:
    """A run of seconds on a CPU with the same parts and the same kinds of legs.

    Its weights are not stored: they take as much room as those of the whole run.

    Args:
        run: as a recipe has it.
        data: trained and evaluated on.
        size: training images.
        batch_size: images per iteration.
        short_px: their shorter side.
        regions: per image, in the heads.
        iterations: of the longest length, at least 6; instead of the others there is half of it.
    """
    require(iterations >= 6, "iterations", iterations, "at least 6, for two lengths and a tail")
    run = at_scale(at_batch(run, batch_size), short_px)
    half, before = iterations // 2, run.schedule
    schedule = replace(
        before,
        lengths=(half, iterations) if len(before.lengths) > 1 else (iterations,),
        tail=(2, 1),
        warmup=1,
        cascade_last=half if before.cascade_last else None,
        watch=(iterations // 3,) if before.watch else (),
    )
    model = fewer_regions(run.model, regions)
    if model.keypoints and data.generated:
        model = replace(model, keypoints=len(KEYPOINTS))
    return replace(
        run,
        data=data,
        size=size,
        model=model,
        schedule=schedule,
        checkpoint_every=iterations,
        keep_weights=False,
    )
