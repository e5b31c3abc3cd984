"""What runs before a commit is what `make lint` runs."""

from __future__ import annotations

from pathlib import Path

import yaml

ROOT = Path(__file__).parent.parent


def test_the_hooks_run_what_make_lint_runs():
    _, _, after = (ROOT / "Makefile").read_text().partition("\nlint: setup\n")
    commands = after.partition("\n\n")[0].replace("$(BIN)", ".venv/bin").split("\n")
    (repository,) = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"]
    assert [hook["entry"] for hook in repository["hooks"]] == [line.strip() for line in commands]
    assert not any(hook["pass_filenames"] for hook in repository["hooks"])
