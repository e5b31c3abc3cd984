"""torch's compiler, left out: it takes as long to import as torch, and nothing here uses it.

torchvision imports it for one question that its RoIAlign asks, and only on a GPU that is told to
be deterministic; torch's optimisers do for their own hooks (`study.training.train_state.SGD`).
"""

from __future__ import annotations

import contextlib
import importlib
import sys
from collections.abc import Iterator
from types import ModuleType
from typing import Any

_ASKED = "torch._dynamo.utils"


@contextlib.contextmanager
def left_out() -> Iterator[None]:
    """Inside, to import torchvision imports no compiler; it is imported when it is asked."""
    if _ASKED in sys.modules:
        yield
        return
    stand_in: Any = ModuleType(_ASKED)
    stand_in.is_compile_supported = _is_compile_supported
    sys.modules[_ASKED] = stand_in
    try:
        yield
    finally:
        if sys.modules.get(_ASKED) is stand_in:
            del sys.modules[_ASKED]


def _is_compile_supported(device_type: str) -> bool:
    return importlib.import_module(_ASKED).is_compile_supported(device_type)
