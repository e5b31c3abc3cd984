"""An image's detections, and its part in AP, do not depend on the others of its split."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from study.config import TINY
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


def with_panoramas(source: AnnotationFile, folder: Path) -> tuple[AnnotationFile, np.ndarray]:
    """The same split and three images of 1 : 3 beside it, and the ids of all but these."""
    content = json.loads(source.path.read_text())
    ids = np.array(sorted(image["id"] for image in content["images"]))[:10]
    images = folder / "images"
    images.mkdir(parents=True)
    for image in content["images"]:
        (images / image["file_name"]).symlink_to(source.images / image["file_name"])
    for at, size in enumerate([(300, 100), (96, 288), (240, 80)]):
        noise = np.random.default_rng(at).integers(0, 256, (size[1], size[0], 3), np.uint8)
        name = f"panorama{at}.png"
        Image.fromarray(noise).save(images / name)
        own = {"id": int(ids[-1]) + 10**6 + at, "file_name": name}
        content["images"].append(own | {"width": size[0], "height": size[1]})
    (folder / "all.json").write_text(json.dumps(content))
    return AnnotationFile(folder / "all.json", images), ids


@pytest.fixture(params=["shapes", "raccoons"])
def source(request: pytest.FixtureRequest, tmp_path: Path) -> AnnotationFile:
    if request.param == "shapes":
        val = open_splits(mixed_shapes(tmp_path / "mixed")).val
        return AnnotationFile(val.path, val.image_dir)
    if not RACCOONS.is_dir():
        pytest.skip("no real images here")
    return AnnotationFile(RACCOONS / "annotations" / "val.json", RACCOONS / "images")


def test_panoramas_beside_them_change_nothing(source: AnnotationFile, tmp_path: Path):
    alone = Index.open(source)
    more, ids = with_panoramas(source, tmp_path / "more")
    together = Index.open(more)
    shapes = {(int(h), int(w)) for h, w in zip(alone.height, alone.width, strict=True)}
    assert len(shapes) > 4
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
