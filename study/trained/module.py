"""A trained detector as a module: pictures of any size in, detections in their pixels out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from hotcoco import mask as rle
from PIL import Image
from torch import Tensor, nn

from study.data.batches.decoded import rgb_array
from study.data.batches.loader import Batch
from study.data.geometry.resize import resized
from study.data.pixels import rgb
from study.models.detector import Detector
from study.models.weights import files, fitting
from study.trained import folder
from study.trained.folder import Classes, Described
from study.training.evaluation.detections import Detection, rows

Picture = Tensor | Image.Image


class TrainedDetector(nn.Module):
    """What `study.load` gives: in evaluation mode, on the CPU until it is moved.

    Attributes:
        classes: names of the classes by their category ids.
    """

    def __init__(self, described: Described) -> None:
        super().__init__()
        self.described = described
        own: Classes = described.classes
        self.classes = dict(zip(own.ids, own.names, strict=True))
        self.detector = _network(described)
        self.detector.to(getattr(torch, described.precision))
        if described.compute == "bfloat16":
            self.detector.autocast = torch.bfloat16
        self._ids = np.array(own.ids, np.int64)
        self.eval()

    def forward(self, images: Sequence[Picture]) -> list[dict[str, Tensor]]:
        """The detections in each picture, best first.

        Args:
            images: uint8 tensors [3, H, W] in RGB, or PIL images, which are taken as they are
                stored (`PIL.ImageOps.exif_transpose` turns photos upright). They are resized here.
                For a detector that was trained on more than 8 bits, PIL images of such pixels,
                which are scaled as in training; tensors and RGB images are taken as scaled.

        Returns:
            Per picture, on the CPU: boxes float32 [n, 4] xyxy px of the picture, scores float32
            [n] in [0, 1], labels int64 [n], which are category ids (`classes`); where the model
            has the heads masks bool [n, H, W] and keypoints float32 [n, K, 3] (x, y px, 1).

        Raises:
            ValueError: something else than such pictures.
        """
        pictures = [self._as_pil(image) for image in images]
        return [
            _tensors(found, picture.height, picture.width, self.described)
            for picture, found in zip(pictures, self.detections(pictures), strict=True)
        ]

    @torch.no_grad()
    def detections(self, images: Sequence[Picture]) -> list[list[Detection]]:
        """The same as rows of a COCO results file, masks as run lengths; `image_id` is the place
        in `images`.

        Raises:
            ValueError: as `forward`.
        """
        pictures = [self._as_pil(image) for image in images]
        if not pictures:
            return []
        sizes = [(picture.height, picture.width) for picture in pictures]
        if empty := next((size for size in sizes if 0 in size), None):
            raise ValueError(
                f"images: height x width = {empty[0]} x {empty[1]} px: at least 1 each"
            )
        shown = [tuple(resized(*size, self.described.model).tolist()) for size in sizes]
        batch = Batch(
            images=[
                torch.from_numpy(rgb_array(picture, (width, height)).transpose(2, 0, 1).copy())
                for picture, (height, width) in zip(pictures, shown, strict=True)
            ],
            image_ids=list(range(len(pictures))),
            scales=[
                (width / own_width, height / own_height)
                for (height, width), (own_height, own_width) in zip(shown, sizes, strict=True)
            ],
            original_sizes=sizes,
        )
        outputs: Any = self.detector(batch.images)
        return [rows(output, batch, at, self._ids) for at, output in enumerate(outputs)]

    def _as_pil(self, image: Picture) -> Image.Image:
        scale = self.described.scale
        if isinstance(image, Image.Image):
            return image if scale and image.mode == "RGB" else rgb(image, scale, "images")
        if isinstance(image, Tensor) and image.dtype == torch.uint8 and image.shape[:-2] == (3,):
            return Image.fromarray(image.cpu().permute(1, 2, 0).contiguous().numpy())
        what = f"{image.dtype} {list(image.shape)}" if isinstance(image, Tensor) else type(image)
        raise ValueError(f"images: {what}: each a uint8 tensor [3, H, W] in RGB, or a PIL image")


def load(path: Path | str) -> TrainedDetector:
    """The detector in a folder that `python -m study.train --best` wrote.

    Raises:
        ValueError: there is none, or it cannot be read.
    """
    where = Path(path).expanduser()
    described = folder.read(where)
    file = where / folder.WEIGHTS
    complaint = f"{file}: not the weights of {where / folder.CONFIG}"
    try:
        tensors: Any = files.content(file)
    except ValueError as error:
        raise ValueError(f"{complaint}: {error}") from error
    folder.require_whole(where, described)
    with torch.device("meta"):  # what the configuration claims takes no memory before it is true
        own = _network(described).state_dict()
        fitting.require(_without_counters(own), _without_counters(tensors), complaint)
    found = TrainedDetector(described)
    try:
        found.detector.load_state_dict(tensors)
    except RuntimeError as error:
        raise ValueError(f"{complaint}; copy the folder again") from error
    return found


def _without_counters(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {k: v for k, v in tensors.items() if not k.endswith("num_batches_tracked")}


def _network(described: Described) -> Detector:
    return Detector(described.model, len(described.classes.ids))


def _tensors(
    found: list[Detection], height: int, width: int, described: Described
) -> dict[str, Tensor]:
    boxes = torch.tensor([row["bbox"] for row in found]).reshape(-1, 4)
    boxes[:, 2:] += boxes[:, :2]
    tensors = {
        "boxes": boxes,
        "scores": torch.tensor([row["score"] for row in found]).reshape(-1),
        "labels": torch.tensor([row["category_id"] for row in found], dtype=torch.int64),
    }
    if described.model.masks:
        masks = np.zeros((len(found), height, width), bool)
        for at, row in enumerate(found):
            masks[at] = decoded(row)
        tensors["masks"] = torch.from_numpy(masks)
    if described.model.keypoints:
        points = torch.tensor([row["keypoints"] for row in found])
        tensors["keypoints"] = points.reshape(-1, described.model.keypoints, 3)
    return tensors


def decoded(row: Detection) -> np.ndarray:
    """bool [height, width]: the mask of a row."""
    return rle.decode(_lengths(row)).view(bool)


def filled(row: Detection) -> tuple[int, int, int, int]:
    """x, y, width and height px of the smallest box around its mask; zeros of an empty one."""
    left, top, width, height = (int(value) for value in rle.toBbox(_lengths(row)))
    return left, top, width, height


def _lengths(row: Detection) -> dict[str, Any]:
    lengths = row["segmentation"]
    return lengths | {"counts": lengths["counts"].encode()}
