"""Whatever an arm is called in a run directory that came from elsewhere, it stays a name."""

from __future__ import annotations

import contextlib
import io
import json
import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import analysis
from analysis.report import page, terminal
from analysis.report.derived import derived
from study.config import Scientific
from tests.analysis.page import Page
from tests.analysis.serving.test_browser import CHROMIUM
from tests.analysis.synthetic import SPACE, write_study
from tests.hostile import CONTROLS, MARK, NAMES, SCRIPT

ARM = "".join(NAMES[:-1])


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> analysis.Results:
    """A study whose files call an arm so, and its space too."""
    path = tmp_path_factory.mktemp("hostile") / "run"
    space = replace(SPACE, scientific=Scientific(sizes=(24, 64)))
    write_study(path, space=space, trials=2, confirm=2, rng=np.random.default_rng(0))
    for file in path.rglob("*.json*"):
        # whoever makes such files gives them a checksum too, or none
        text = re.sub(r',\s*"check": "[0-9a-f]{8}"', "", file.read_text())
        text = text.replace('"pretext"', json.dumps(ARM))
        file.write_text(text.replace('"synthetic"', json.dumps(SCRIPT)))
    return analysis.load(path)


@pytest.fixture(scope="module")
def files(results: analysis.Results) -> dict[str, bytes]:
    return page.contents(results)


def test_the_page_has_no_element_of_a_name(files: dict[str, bytes]):
    html = files[page.PAGE].decode()
    found = Page(html)
    assert found.all("script") == [] and SCRIPT not in html
    assert not any(name.startswith("on") for _, own in found.elements for name in own)
    assert not any("javascript:" in reference for reference in found.references)
    assert "49" not in ARM and "{{ 7 * 7 }}" in html  # written, and not computed


def test_cells_that_a_spreadsheet_would_compute_begin_with_an_apostrophe():
    table = pd.DataFrame({"arm": ["=1+1", "@SUM(A1)", "a=b"], "AP": [-1.5, 2.0, 3.0]})
    own = page._without_formulas(table)
    assert own["arm"].tolist() == ["'=1+1", "'@SUM(A1)", "a=b"]
    assert own["AP"].tolist() == table["AP"].tolist()  # a number is none


@pytest.mark.slow
def test_no_control_character_reaches_the_terminal(results: analysis.Results):
    for show in (terminal.show, terminal.show_all):
        said = io.StringIO()
        show(results, derived(results), said)
        assert "[bold]rich[/bold]" in said.getvalue()
        assert [sign for sign in CONTROLS if sign in said.getvalue()] == []


@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason="needs chromium on the path")
def test_nothing_of_it_runs_in_a_browser(files: dict[str, bytes], tmp_path: Path):
    assert title(files[page.PAGE].decode(), tmp_path) != MARK
    with contextlib.suppress(FileNotFoundError):
        shutil.rmtree(tmp_path / "user")
    control = f"<!doctype html><title>x</title>{SCRIPT}"
    assert title(control, tmp_path) == MARK  # it would have been seen


def title(html: str, folder: Path) -> str:
    """Of a page after its scripts, if it has any, have run."""
    (folder / "page.html").write_text(html)
    options = ["--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={folder}/user"]
    command = [str(CHROMIUM), *options, "--virtual-time-budget=2000", "--dump-dom"]
    command.append((folder / "page.html").as_uri())
    dom = subprocess.run(command, capture_output=True, text=True, timeout=120).stdout
    return dom.partition("<title>")[2].partition("</title>")[0]
