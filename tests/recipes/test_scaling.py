"""A run at another batch or image scale, and reduced for a CPU."""

from __future__ import annotations

from dataclasses import replace

import pytest

from study import recipes
from study.config import RunConfig, from_dict, to_dict
from study.config.schedule import legs
from study.recipes import Recipe, reduced
from study.recipes.scaling import at_batch, at_lengths, at_scale

ALL = recipes.all()
each = pytest.mark.parametrize("recipe", ALL.values(), ids=list(ALL))


def test_64_images_give_detectron2s_schedule():
    run = at_batch(ALL["fig5/r50-aug-scratch"].run, 64)
    (length,) = run.schedule.lengths
    assert run.optim.lr == pytest.approx(0.08)
    assert length == 202_500
    assert [length - before for before in run.schedule.tail] == [187_500, 197_500]


@pytest.mark.parametrize("batch_size", [17, 28, 100_000])
def test_a_trunk_watched_to_its_end_is_so_at_batches_that_do_not_divide(batch_size: int):
    """480,000 of 540,000 - 60,000: the end of a rounded trunk is not the rounded end."""
    schedule = at_batch(ALL["table1/r50-gn-scratch"].run, batch_size).schedule
    assert schedule.watch[-1] == schedule.fork(schedule.lengths[-1])
    assert len(set(schedule.watch)) == len(schedule.watch)


@each
@pytest.mark.parametrize("batch_size", [1, 2, 8, 32, 64])
def test_another_batch_sees_the_same_images(recipe: Recipe, batch_size: int):
    before, after = recipe.run, at_batch(recipe.run, batch_size)
    ratio = 16 / batch_size
    assert after.optim.lr == pytest.approx(before.optim.lr / ratio)
    for name in ("lengths", "tail", "watch"):
        then, now = getattr(before.schedule, name), getattr(after.schedule, name)
        assert now == tuple(round(n * ratio) for n in then), name
    assert after.schedule.warmup == round(500 * ratio)
    if before.schedule.cascade_last:
        assert after.schedule.cascade_last == before.schedule.cascade_last * ratio
    assert replace(after, optim=before.optim, schedule=before.schedule, checkpoint_every=1) == (
        replace(before, checkpoint_every=1)
    )


def test_there_and_back_is_the_same_run():
    run = ALL["table1/r50-gn-scratch"].run
    assert at_batch(run, 16) == run
    assert at_batch(at_batch(run, 8), 16) == run


def test_a_batch_of_nothing_is_refused():
    with pytest.raises(ValueError, match=r"optim.batch_size = 0: at least 1"):
        at_batch(ALL["table1/r50-gn-scratch"].run, 0)


def test_image_scale_keeps_proportions():
    run = at_scale(ALL["fig5/r50-cascade-scratch-tta"].run, 400)
    model = run.model
    assert (model.short_px, model.long_px, model.train_short_px) == (400, 666, (320, 400))
    assert model.anchor_px == (16, 32, 64, 128, 256)
    assert model.canonical_px == 112
    assert run.evaluation.short_px == (200, 250, 300, 350, 450, 500, 550, 600)


def test_no_side_becomes_too_small_for_the_pyramid():
    run = at_scale(ALL["fig7/35k-tuned-scratch"].run, 40)
    assert run.model.train_short_px == (32, 40)


def test_other_lengths_keep_what_lies_on_their_trunk():
    schedule = ALL["table1/r50-gn-scratch"].run.schedule
    shorter = at_lengths(schedule, (180_000,), schedule.tail)
    assert shorter.watch == (20_000, 40_000, 60_000, 80_000, 100_000, 120_000)
    longer = at_lengths(schedule, (180_000, 990_000), schedule.tail)
    assert longer.watch == schedule.watch


def test_a_late_cascade_keeps_its_share_of_another_length():
    schedule = ALL["fig5/r50-cascade-scratch"].run.schedule
    assert at_lengths(schedule, (90,), (6, 2)).cascade_last == 30


@each
def test_every_recipe_can_be_reduced_and_walks_the_same_ways(recipe: Recipe):
    run, small = recipe.run, reduced(recipe.run)
    assert from_dict(RunConfig, to_dict(small)) == small
    assert legs(small.schedule)[-1].stop == small.schedule.lengths[-1] == 6
    assert bool(small.schedule.watch) == bool(run.schedule.watch)
    assert (len(small.schedule.lengths) > 1) == (len(run.schedule.lengths) > 1)
    assert (small.schedule.cascade_last is None) == (run.schedule.cascade_last is None)
    kept = ("body", "masks", "cascade", "fidelity", "pyramid")
    for name in kept:
        assert getattr(small.model, name) == getattr(run.model, name)
    assert bool(small.model.keypoints) == bool(run.model.keypoints)
    assert (small.arm, small.init, small.split) == (run.arm, run.init, run.split)
    assert small.evaluation.augmented == run.evaluation.augmented
