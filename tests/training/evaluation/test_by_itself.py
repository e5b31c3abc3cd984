"""An image's detections, and its part in AP, do not depend on the others of its split."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from study.config import TINY, DataConfig
from study.data.batches.loader import evaluation_batches
from study.data.formats.coco import AnnotationFile
from study.data.index import Index
from study.data.splits import open_splits
from study.models.detector import Detector
from study.training.evaluation.coco import COCO
from study.training.evaluation.detections import Detection, detect
from tests.runs import mixed_shapes

RACCOONS = Path(__file__).parents[4] / "shared" / "data" / "raccoons"
MODEL = TINY.but(masks=False, detections=10, score_threshold=0.3)


def detector(classes: int) -> Detector:
    """One that has learnt nothing and has no doubts: scores of all sizes, few of them equal."""
    torch.manual_seed(0)
    found = Detector(MODEL, classes).eval()
    with torch.no_grad():
        for name, weight in found.named_parameters():
            if name.endswith(("cls_score.weight", "cls_logits.weight")):
                weight *= 40
    return found.to(torch.float64)


def detections(model: Detector, index: Index, ids: np.ndarray, batch: int) -> list[Detection]:
    batches = (own for (own,) in evaluation_batches(index, ids, [MODEL], batch))
    return sorted(detect(model, batches, index), key=lambda row: row["image_id"])


def beside_panoramas(index: Index, ids: np.ndarray, folder: Path) -> Index:
    """The same images and three of 1 : 3 beside them."""
    content, files = index.coco(ids), index.files(ids)
    for image, file in zip(content["images"], files, strict=True):
        image["file_name"] = str(file)
    for at, size in enumerate([(300, 100), (96, 288), (240, 80)]):
        noise = np.random.default_rng(at).integers(0, 256, (size[1], size[0], 3), np.uint8)
        name = f"panorama{at}.png"
        Image.fromarray(noise).save(folder / name)
        own = {"id": int(ids[-1]) + 1 + at, "file_name": name}
        content["images"].append(own | {"width": size[0], "height": size[1]})
    (folder / "all.json").write_text(json.dumps(content))
    return Index.open(AnnotationFile(folder / "all.json", folder))


@pytest.fixture(params=["shapes", "raccoons"])
def data(request: pytest.FixtureRequest, tmp_path: Path) -> DataConfig:
    if request.param == "shapes":
        return mixed_shapes(tmp_path / "mixed")
    if not RACCOONS.is_dir():
        pytest.skip("no real images here")
    return DataConfig(name="raccoons", folder=str(RACCOONS), tune_size=8, val_size=12)


@pytest.mark.slow
def test_panoramas_beside_them_change_nothing(data: DataConfig, tmp_path: Path):
    splits = open_splits(data)
    alone, ids = splits.val, splits.val_ids
    together = beside_panoramas(alone, ids, tmp_path)
    places = [alone.position(int(i)) for i in ids]
    assert len({(int(alone.height[at]), int(alone.width[at])) for at in places}) > 4
    model = detector(len(alone.category_id))
    own = detections(model, alone, ids, 8)
    beside = detections(model, together, np.array(together.image_id), 5)
    beside = [row for row in beside if row["image_id"] in ids]
    assert len(own) == len(beside) > 10
    for one, other in zip(own, beside, strict=True):
        assert one["image_id"] == other["image_id"]
        assert one["score"] == pytest.approx(other["score"], abs=1e-9)
        assert one["bbox"] == pytest.approx(other["bbox"], abs=1e-6)
    truth = alone.coco(ids)
    assert COCO.score(truth, own, ["box"]) == COCO.score(truth, beside, ["box"])
