"""What was not looked at is no pass."""

from __future__ import annotations

import re

import pytest

from benchmarks.audit import judged

FINE = {"name": "a", "version": "1", "vulns": []}
SKIPPED = {"name": "b", "skip_reason": "Dependency not found on PyPI"}
OURS = {"name": "rethink-pretraining", "skip_reason": "Dependency not found on PyPI"}
WRONG = {"name": "c", "version": "2", "vulns": [{"id": "CVE-1", "fix_versions": ["3"]}]}


@pytest.mark.parametrize(
    ("found", "status", "said"),
    [
        ([FINE, OURS], 0, "no known vulnerability: 1 of 1 packages"),
        ([FINE, SKIPPED], 2, "not audited: 1 of 2 packages were looked at; .* nothing of b"),
        ([SKIPPED], 2, "not audited: 0 of 1"),
        ([], 2, "not audited"),
        ([FINE, SKIPPED, WRONG], 1, "c 2: CVE-1, mended in 3"),
    ],
)
def test_only_packages_that_were_looked_at_pass(found: list, status: int, said: str):
    ended, text = judged({"dependencies": found})
    assert ended == status
    assert re.search(said, text)
