"""Every case of the corpus is refused as it says: in one line, with nothing written."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from study import sweep
from study.data.formats import shapes
from tests.bad_input.case import Case, faults, outcome
from tests.bad_input.corpus import corpus

CORPUS = corpus()


def started(*_: object) -> int:
    raise AssertionError("the study was started, though its input is bad")


@pytest.fixture(scope="module", autouse=True)
def one_cache(tmp_path_factory: pytest.TempPathFactory):
    """Of decoded data, outside the folders in which nothing may be written."""
    drawn = shapes.EMBEDDED().train.images.parent  # by whichever test came first
    (cache := tmp_path_factory.mktemp("cache")).joinpath("shapes").mkdir()
    (cache / "shapes" / drawn.name).symlink_to(drawn)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("STUDY_CACHE", str(cache))
        patch.setattr(sweep, "start", started)  # a case that is not refused starts no Ray
        yield


@pytest.mark.parametrize(
    "case",
    [
        pytest.param(case, id=f"{group}: {case.name}", marks=[pytest.mark.slow] * bool(at % 10))
        for at, (group, case) in enumerate(CORPUS)  # every tenth is quick
    ],
)
def test_it_is_refused_in_words(case: Case, tmp_path: Path):
    assert not faults(case, outcome(case, tmp_path))


def test_no_case_is_there_twice():
    counts = Counter((group, case.name) for group, case in CORPUS)
    assert [name for name, times in counts.items() if times > 1] == []


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"status": 0}, "exit status 2, not 0"),
        ({"says": ("something else",)}, "does not say 'something else'"),
        ({"never": ("no such",)}, "says 'no such'"),
        ({"lines": 0}, "1 lines, not 0"),
    ],
)
def test_another_refusal_than_asked_for_is_noticed(change, fault: str, tmp_path: Path):
    case = Case("x", lambda _: ["study.sweep", "shapse", "--run-dir", "r"], ("shapse",))
    assert not faults(case, found := outcome(case, tmp_path))
    assert fault in faults(replace(case, **change), found)
