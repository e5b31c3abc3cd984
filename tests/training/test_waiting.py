"""A step asks the device for few numbers: on a GPU each of them is a wait, and it is idle then."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.counting import Counting
from study.config import TINY, ModelConfig, RunConfig, schedule, to_dict
from study.models.heads import roi_align
from study.storage.run_dir import TrialDir
from study.training.engine import Session
from study.training.workers import World
from tests.runs import TINY_RUN


def counted(config: RunConfig, folder: Path) -> Counting:
    """One step's operations, after some that had to fill caches."""
    trial = TrialDir(folder)
    trial.write_config({"run": to_dict(config)})
    session = Session(config, trial, World())
    leg = schedule.legs(config.schedule)[0]
    session.step(leg, 0)
    with Counting() as found:
        session.step(leg, 1)
    return found


LARGE_MAPS = replace(TINY, short_px=272, long_px=288)  # torchvision's RoIAlign


@pytest.mark.slow
@pytest.mark.parametrize(
    "model",
    [TINY, replace(TINY, fidelity="detectron"), LARGE_MAPS],
    ids=["masks", "polygons", "large maps"],
)
def test_a_step_of_16_images_waits_for_the_device_at_most_8_times(
    model: ModelConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(roi_align, "ROWS_ON", ())  # large maps are pooled as on CUDA
    optim = replace(TINY_RUN.optim, batch_size=16)
    found = counted(replace(TINY_RUN, size=24, optim=optim, model=model), tmp_path)
    # suppression on CUDA is one call, which also says how many boxes it has left; here it is many
    others = 1
    # sizes of parts and copies to the host, which the counter does not see: polygons' places
    assert 0 < found.waits + others <= 8, found.seen
    assert found.seen["nms"] == 16 * 4


@pytest.mark.slow
def test_the_number_of_operations_hardly_grows_with_the_number_of_images(tmp_path: Path):
    """Per image there are only its suppression and its targets on the host."""
    small, large = (
        counted(
            replace(TINY_RUN, size=24, optim=replace(TINY_RUN.optim, batch_size=number)),
            tmp_path / str(number),
        )
        for number in (4, 16)
    )
    assert large.operations < 1.7 * small.operations
    assert small.operations < 1400  # 2,635 before all images were computed at once
