"""A file's lists, piece by piece, are what the json module reads of it as a whole."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from study.data.formats import pieces as module
from study.data.formats.coco import AnnotationFile
from study.data.formats.pieces import pieces
from study.data.index import Index
from study.data.source import LISTS
from tests.data.coco_files import content, write

TRAPS: list[Any] = [
    {"id": 1, "text": '}, {"id": 2}, {', "more": [{"a": {}}, {"b": [[], {}]}]},
    {"é": "\ud83d\ude00 ☃", "half": "\ud800", "escaped": '\\"}, {\\'},
    {"numbers": [0, -0.0, 1.5e-7, 1e308, 0.1, 510.66, 12345678901234567890, -3]},
    {"also": [True, False, None, float("inf")]},
    {"id": 3, "long": [{"x": i, "y": [i, {}]} for i in range(50)]},
]


def read(path: Path) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {}
    for name, items in pieces(path, LISTS):
        found.setdefault(name, []).extend(items)
    return found


@pytest.mark.parametrize("characters", [1, 7, 64, 300, 2**16])
@pytest.mark.parametrize("indent", [None, 0, 3])
@pytest.mark.parametrize("ascii_only", [True, False])
@pytest.mark.parametrize("parser", [module.from_json, json.loads])  # the latter without Ray
def test_lists_are_what_json_reads(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    characters: int,
    indent: int,
    ascii_only: bool,
    parser: Callable[[str], Any],
):
    monkeypatch.setattr(module, "from_json", parser)
    monkeypatch.setattr(module, "CHARACTERS", characters)
    monkeypatch.setattr(module, "ITEMS", 2)
    data = {
        "info": {"images": [{"id": 5}], "text": "]}"},
        "annotations": [*TRAPS, *({"id": i, "segmentation": [[i / 7] * i]} for i in range(40))],
        "count": 12,
        "categories": [],
        "images": [3, "a, b", None, [], {"id": 1}],
        "last": -1.5,
    }
    path = tmp_path / "a.json"
    text = json.dumps(data, indent=indent, ensure_ascii=ascii_only)
    path.write_bytes(f"\n {text}\r\n".encode(errors="surrogatepass"))
    found = read(path)
    assert list(found) == ["annotations", "categories", "images"]  # in the file's order
    expected = {name: json.loads(path.read_bytes())[name] for name in found}
    assert repr(found) == repr(expected)  # types and bits too


def test_numbers_are_the_same_bits(tmp_path: Path):
    """Of any length, and halfway between two floats."""
    random = np.random.default_rng(0)
    bits = random.integers(0, 2**63, 3000).view(np.float64)
    numbers = [f"{x:.{k % 25}e}" for k, x in enumerate(bits.tolist()) if np.isfinite(x)]
    numbers += [f"{x:.{k % 6}f}" for k, x in enumerate((random.random(3000) * 640).tolist())]
    numbers += ["9007199254740993.0", "0.5000000000000000277555756156289135105907917022705078125"]
    text = ", ".join(f'{{"x": {x}}}' for x in numbers)
    path = tmp_path / "a.json"
    path.write_text(f'{{"images": [{text}], "annotations": [], "categories": []}}')
    assert [x["x"] for x in read(path)["images"]] == json.loads(f"[{', '.join(numbers)}]")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "{}",
        '{"images": [], "annotations": [], "categories": []',
        '{"images": [], "annotations": [], "categories": []} {}',
        '{"images": [], "annotations": [], "categories": [],}',
        '{"images": [] "annotations": [], "categories": []}',
        '{"images": [], "annotations": [}, "categories": []}',
        '{"images": [], "annotations": [{}, ], "categories": []}',
        '{"images": [], "annotations": [{} {}], "categories": []}',
        '{"images": [], "annotations": [{}, {}}, "categories": []}',
        '{"images": [], "annotations": {}, "categories": []}',
        '{"images": [], "annotations": [], "images": [], "categories": []}',
        '{"images": [], 3: [], "annotations": [], "categories": []}',
        '{\'images\': [], "annotations": [], "categories": []}',
    ],
)
@pytest.mark.parametrize("characters", [1, 2**16])
def test_anything_else_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, characters: int
):
    monkeypatch.setattr(module, "CHARACTERS", characters)
    path = tmp_path / "a.json"
    path.write_text(text)
    with pytest.raises(ValueError, match=r"JSON|must be"):
        read(path)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32-le"])
def test_what_cannot_be_read_in_pieces_is_read_as_a_whole(tmp_path: Path, encoding: str):
    path, images = write(tmp_path, "train", content())
    plain = Index.open(AnnotationFile(path, images))
    other = tmp_path / "other.json"
    other.write_bytes(path.read_text().encode(encoding))
    assert (Index.open(AnnotationFile(other, images)).bbox == plain.bbox).all()


def test_a_break_in_the_middle_is_said_as_json_says_it(tmp_path: Path):
    path, images = write(tmp_path, "train", content(9))
    path.write_text(path.read_text().replace('"id": 14', '"id": 14 4'))
    with pytest.raises(
        ValueError, match=r"train\.json: line 1: not JSON: Expecting ',' delimiter"
    ):
        Index.open(AnnotationFile(path, images))
