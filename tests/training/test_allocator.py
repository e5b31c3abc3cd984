"""Memory that is freed stays with the process until it is given back."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

SCRIPT = """
import json, os
import numpy as np
from study.training import allocator

def resident_mb():
    return int(open("/proc/self/statm").read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20

def after_200_mb():
    np.ones(25 * 2**20)
    return resident_mb()

before = resident_mb()
found = [after_200_mb() - before]
allocator.keep_memory()
found.append(after_200_mb() - before)
allocator.give_back()
found.append(resident_mb() - before)
print(json.dumps(found))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="glibc's")
def test_freed_memory_stays_until_it_is_given_back():
    ended = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, check=True)
    usual, kept, given_back = json.loads(ended.stdout)
    assert usual < 20 and kept > 180 and given_back < 20
