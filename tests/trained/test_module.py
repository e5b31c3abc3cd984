"""`study.load`: the detector finds what the evaluation found, in the picture's own pixels."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from hotcoco import mask as rle
from PIL import Image

import study as product
from study.config import RunConfig, from_dict
from study.data.splits import open_splits
from study.storage.detection_files import detections_file, read_detections
from study.storage.run_dir import TrialDir


def test_it_finds_what_the_evaluation_found(detector: Path):
    trial = TrialDir(detector / "run")
    run = from_dict(RunConfig, trial.config()["run"])
    index, ids = open_splits(run.data).images("report")
    stored = read_detections(detections_file(trial, trial.records()[0]["leg"]))
    loaded = product.load(detector)
    assert not loaded.training
    assert loaded.classes == dict(
        zip(index.category_id.tolist(), index.category_name.tolist(), strict=True)
    )
    pictures = [Image.open(file).convert("RGB") for file in index.files(ids)]
    tensors = [torch.from_numpy(np.array(one).transpose(2, 0, 1).copy()) for one in pictures]
    assert len(stored) > 10
    for images in (pictures, tensors):
        for image_id, picture, found in zip(ids, pictures, loaded(images), strict=True):
            rows = [row for row in stored if row["image_id"] == image_id]
            boxes = torch.tensor([row["bbox"] for row in rows]).reshape(-1, 4)
            boxes[:, 2:] += boxes[:, :2]
            assert torch.allclose(found["boxes"], boxes, atol=1e-3)
            assert torch.allclose(found["scores"], torch.tensor([r["score"] for r in rows]))
            assert found["labels"].tolist() == [row["category_id"] for row in rows]
            masks = found["masks"]
            assert masks.dtype == torch.bool
            assert masks.shape == (len(rows), picture.height, picture.width)
            for mask, row in zip(masks.numpy(), rows, strict=True):
                lengths = row["segmentation"]
                own = rle.decode(lengths | {"counts": lengths["counts"].encode()})
                assert (mask != own.astype(bool)).mean() < 0.001


def test_a_single_other_bit_in_its_weights_is_refused(detector: Path, tmp_path: Path):
    copied = shutil.copytree(detector, tmp_path / "copied", ignore=shutil.ignore_patterns("run"))
    weights = copied / "weights.safetensors"
    content = bytearray(weights.read_bytes())
    content[-5] ^= 1  # of a number
    weights.write_bytes(content)
    with pytest.raises(ValueError, match=r"weights.safetensors: damaged.*; copy the folder again"):
        product.load(copied)
    config = copied / "config.json"
    said = json.loads(config.read_text())
    config.write_text(json.dumps({k: v for k, v in said.items() if k != "weights_sha256"}))
    assert product.load(copied)  # as earlier versions wrote it


def test_none_and_wrong_pictures(detector: Path):
    loaded = product.load(str(detector))
    assert loaded([]) == []
    with pytest.raises(ValueError, match=r"float32 \[3, 8, 8\]: each a uint8 tensor"):
        loaded([torch.zeros(3, 8, 8)])
    with pytest.raises(ValueError, match=r"uint8 \[8, 8\]"):
        loaded([torch.zeros(8, 8, dtype=torch.uint8)])
    for nothing in (torch.zeros(3, 0, 5, dtype=torch.uint8), Image.new("RGB", (5, 0))):
        with pytest.raises(
            ValueError, match=r"images: height x width = 0 x 5 px: at least 1 each"
        ):
            loaded([nothing])


def test_a_folder_without_a_detector_is_refused(detector: Path, tmp_path: Path):
    with pytest.raises(ValueError, match=r"holds no detector \(config.json and weights"):
        product.load(tmp_path)
    for name in ("config.json", "weights.safetensors"):
        (tmp_path / name).write_bytes((detector / name).read_bytes())
    product.load(tmp_path)
    (tmp_path / "weights.safetensors").write_bytes(b"no weights")
    with pytest.raises(ValueError, match=r"weights.safetensors.: a text file, not weights"):
        product.load(tmp_path)
    (tmp_path / "config.json").write_text('{"format": 99}')
    with pytest.raises(ValueError, match="format = 99: this version reads 1"):
        product.load(tmp_path)
    (tmp_path / "config.json").write_text("[]")
    with pytest.raises(ValueError, match=r"not the config\.json of a detector"):
        product.load(tmp_path)


def test_importing_the_product_imports_no_torch():
    code = "import sys, study; study.load; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
