"""A detector as an ONNX file: for programs without PyTorch, and for devices.

The file takes pictures of one size. It is checked before it is left: ONNX Runtime must find in a
picture what the detector finds.
"""

from __future__ import annotations

import json
import logging
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import torch

from study.config import ModelConfig
from study.data.geometry.resize import resized
from study.models.canvas import Size
from study.models.detector import Detector
from study.models.fixed_shape import FixedShape
from study.storage.writing import write_atomically

OPSET = 20  # of ONNX; Runtime reads it since 1.17 of February 2024
INSTALL = "pip install '.[export]'"
PX, SCORE = 0.01, 1e-3  # most that a box and a score (or a mask's pixel) may differ when checked


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
        import onnxruntime
        import onnxscript  # noqa: F401  what the exporter needs
    except ImportError as error:
        raise ValueError(f"to write ONNX, {error.name} is needed: {INSTALL}") from error
    function = FixedShape(detector.cpu())
    height, width = (int(side) for side in resized(*picture, config))
    noise = np.random.default_rng(0).integers(0, 256, (3, height, width), np.uint8)
    image = torch.from_numpy(noise)
    with _quiet(), torch.no_grad():
        expected = function(image)
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
    content = program.model_proto.SerializeToString()
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    found = session.run(None, {"image": noise})
    limits = {"boxes": PX, "scores": SCORE, "labels": 0.0, "masks": SCORE}
    for name, own, other in zip(function.outputs, expected, found, strict=True):
        gap = float(np.abs(own.double().numpy() - np.asarray(other, np.float64)).max(initial=0))
        if gap > limits[name]:
            raise ValueError(
                f"{file}: not written: {name} differ by {gap:g} in ONNX Runtime, more than"
                f" {limits[name]:g}"
            )
    write_atomically(file, content)
    return height, width


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
