"""A detector as an ONNX file: for programs without PyTorch, and for devices.

The file takes pictures of one size and computes in float32, whatever the detector computes in. It
is checked before it is left: ONNX Runtime must find in noise what the detector finds there, with
scores however low, for above its threshold there may be nothing.
"""

from __future__ import annotations

import json
import logging
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from study.config import ModelConfig
from study.data.geometry.resize import resized
from study.models.boxes import iou
from study.models.canvas import Size
from study.models.detector import Detector
from study.models.fixed_shape import FixedShape
from study.storage.writing import write_atomically

OPSET = 20  # of ONNX; Runtime reads it since 1.17 of February 2024
INSTALL = "pip install '.[export]'"
SAME_IOU, SAME_SCORE, SAME_MASK = 0.98, 0.02, 0.02
"""Of a detection of the one that is a detection of the other: overlap at least, and at most the
relative difference of scores and that of a mask's pixels. Sums in another order make smaller ones.
"""
SHARE = 0.9
"""Of the detections that must be found: by the last digit one at the limit of their number, or of
an overlap, is found or not."""


def write(
    detector: Detector, config: ModelConfig, classes: Sequence[str], picture: Size, file: Path
) -> Size:
    """Write the file; returns the height and width px of its input.

    Its input is `image`, uint8 [3, height, width], RGB: the picture resized to that size. Its
    outputs are those of `FixedShape`, boxes in px of the input. Its metadata say all of this:
    `classes` (JSON; label 1 is the first), `input` and `picture` (height x width px).

    Args:
        classes: their names, in the order of the labels.
        picture: height and width px of the pictures that it is for.

    Raises:
        ValueError: packages are missing, the detector cannot be exported, or the file finds
            something else than the detector.
    """
    try:
        import onnxruntime  # noqa: F401
        import onnxscript  # noqa: F401  what the exporter needs
    except ImportError as error:
        raise ValueError(f"to write ONNX, {error.name} is needed: {INSTALL}") from error
    detector.autocast = None
    function = FixedShape(detector.cpu().float())
    height, width = (int(side) for side in resized(*picture, config))
    noise = np.random.default_rng(0).integers(0, 256, (3, height, width), np.uint8)
    image = torch.from_numpy(noise)
    with _quiet(), torch.no_grad():
        function(image)  # anchors are constants then
        program = torch.onnx.export(
            function,
            (image,),
            dynamo=True,
            opset_version=OPSET,
            input_names=["image"],
            output_names=list(function.outputs),
            verbose=False,
        )
    assert program is not None  # as it is with dynamo
    program.model.metadata_props.update(
        classes=json.dumps(list(classes)),
        input=f"{height} x {width}",
        picture=f"{picture[0]} x {picture[1]}",
    )
    model = program.model_proto
    expected, found = _at_any_score(function, model, image)
    if (share := shared(expected, found)) < SHARE:
        raise ValueError(
            f"{file}: not written: ONNX Runtime finds {share:.0%} of what the detector finds in"
            f" noise, must be {SHARE:.0%} or more"
        )
    write_atomically(file, model.SerializeToString())
    return height, width


def _at_any_score(
    function: FixedShape, model: Any, image: Tensor
) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """What the function and the exported model find above a threshold of 0, by output."""
    import onnxruntime
    from onnx import numpy_helper

    changed = type(model)()
    changed.CopyFrom(model)
    (threshold,) = (own for own in changed.graph.initializer if own.name == "threshold")
    threshold.CopyFrom(numpy_helper.from_array(np.zeros((), np.float32), "threshold"))
    session = onnxruntime.InferenceSession(
        changed.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    found = map(torch.from_numpy, session.run(None, {"image": image.numpy()}))
    function.threshold = torch.zeros_like(function.threshold)  # the graph may hold the other
    with torch.no_grad():
        expected = function(image)
    own, others = (dict(zip(function.outputs, each, strict=True)) for each in (expected, found))
    return own, others


def shared(expected: Mapping[str, Tensor], found: Mapping[str, Tensor]) -> float:
    """Share of the detections that both have, 1 of none; as `FixedShape` gives them."""
    there = expected["scores"] > 0
    same = expected["labels"][:, None] == found["labels"]
    same &= iou(expected["boxes"][None], found["boxes"][None])[0] >= SAME_IOU
    gap = (expected["scores"][:, None] - found["scores"]).abs()
    same &= gap <= SAME_SCORE * expected["scores"][:, None]
    if "masks" in expected:
        pixels, others = (own["masks"].flatten(1) for own in (expected, found))
        same &= torch.cdist(pixels, others, torch.inf) <= SAME_MASK
    return float(same.any(dim=1)[there].float().mean()) if there.any() else 1.0


@contextmanager
def _quiet() -> Iterator[None]:
    """Without what the exporter says of its own insides."""
    disabled = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(disabled)
