"""torch's compiler is not imported by a run of one worker, and is there for who asks."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent

RUN = """
import sys
from tests.runs import TINY_RUN, complete

complete(sys.argv[1], TINY_RUN)
assert "torch._dynamo" not in sys.modules and "torch._dynamo.utils" not in sys.modules

asked = sys.modules["torchvision.ops.roi_align"].is_compile_supported("cpu")
import torch._dynamo.utils
assert asked == torch._dynamo.utils.is_compile_supported("cpu")
"""


@pytest.mark.slow
def test_a_run_imports_no_compiler_and_who_asks_it_gets_its_answer(tmp_path: Path):
    subprocess.run([sys.executable, "-c", RUN, str(tmp_path)], cwd=ROOT, check=True)
