"""Whatever classes and files are called in somebody's data, names stay names."""

from __future__ import annotations

import contextlib
import io
import json
import unicodedata
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from study import prepare
from study.commands.common import DONE
from tests.analysis.page import Page
from tests.analysis.report.test_hostile import title
from tests.analysis.serving.test_browser import CHROMIUM
from tests.hostile import CONTROLS, MARK, NAMES, SCRIPT


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Images and classes that are called so."""
    root = tmp_path_factory.mktemp("hostile")
    (root / "images").mkdir()
    # some systems have "/" and "\\" in no name
    plain = [name.translate({ord("/"): "_", ord("\\"): "_"}) for name in NAMES]
    names = [f"{name[:80]}.png" for name in plain]
    for seed, name in enumerate(names):
        pixels = np.random.default_rng(seed).integers(0, 255, (40, 40), np.uint8)
        Image.fromarray(pixels).save(root / "images" / name)
    numbers = range(1, len(names) + 1)
    content = {
        "images": [
            {"id": i, "file_name": name, "width": 40, "height": 40}
            for i, name in zip(numbers, names, strict=True)
        ],
        "annotations": [
            {"id": i, "image_id": i, "category_id": i, "bbox": [5, 5, 20, 20], "area": 400}
            | {"iscrowd": 0}
            for i in numbers
        ],
        # classes with control characters are refused, files are called as they are
        "categories": [
            {"id": i, "name": "".join(sign for sign in name if unicodedata.category(sign) != "Cc")}
            for i, name in zip(numbers, NAMES, strict=True)
        ],
    }
    (root / "instances.json").write_text(json.dumps(content))
    return root


@pytest.fixture(scope="module")
def made(data: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """The page, and what was printed."""
    out = tmp_path_factory.mktemp("page") / "page.html"
    said = io.StringIO()
    redirected = contextlib.redirect_stdout(said), contextlib.redirect_stderr(said)
    with pytest.MonkeyPatch.context() as patch, redirected[0], redirected[1]:
        patch.setenv("STUDY_CACHE", str(out.parent / "cache"))
        patch.setenv("COLUMNS", "400")
        status = prepare.main([str(data), "--page", str(out)])
    assert status == DONE, said.getvalue()
    return out.read_text(), said.getvalue()


def test_the_page_has_no_element_of_a_name(made: tuple[str, str]):
    html, _ = made
    found = Page(html)
    assert found.all("script") == [] and SCRIPT not in html
    assert not any(name.startswith("on") for _, own in found.elements for name in own)
    assert not any("javascript:" in reference for reference in found.references)
    assert "{{ 7 * 7 }}" in html and "中文" in html


def test_no_control_character_reaches_the_terminal(made: tuple[str, str]):
    _, said = made
    assert [sign for sign in CONTROLS if sign in said] == []


@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason="needs chromium on the path")
def test_nothing_of_it_runs_in_a_browser(made: tuple[str, str], tmp_path: Path):
    assert title(made[0], tmp_path) != MARK
