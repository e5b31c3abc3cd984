"""What the host knows goes to the device in one way: any other would wait for the device."""

from __future__ import annotations

import ast
from pathlib import Path

import torch

from study.models import transfer

MODELS = Path(transfer.__file__).parent
ONCE = {("rpn.py", "tensor")}  # for anchors, which are kept


def test_bytes_travel_as_bytes_and_numbers_are_the_same():
    values = torch.tensor([0, 7, 255], dtype=torch.uint8)
    assert torch.equal(
        transfer.sent(values, torch.device("cpu"), torch.float32), torch.tensor([0.0, 7.0, 255.0])
    )
    found = transfer.listed([[1, 2], [3, 4]], torch.device("cpu"), torch.float64)
    assert found.dtype == torch.float64 and found.tolist() == [[1, 2], [3, 4]]


def test_nothing_in_a_step_makes_a_tensor_on_the_device_from_numbers_of_the_host():
    """`torch.tensor(..., device=...)` and `new_tensor` copy at once, behind all that is queued."""
    found = {
        (path.name, call.func.attr)
        for path in (*MODELS.glob("*.py"), *(MODELS / "heads").glob("*.py"))
        for call in ast.walk(ast.parse(path.read_text()))
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute)
        if call.func.attr == "new_tensor"
        or (call.func.attr == "tensor" and any(word.arg == "device" for word in call.keywords))
    }
    assert found == ONCE
