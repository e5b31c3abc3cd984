"""Annotations with anything anywhere are refused in words, or are sound: nothing in between."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from study.data.checks import of_split
from study.data.formats import recognised
from study.data.formats.coco import AnnotationFile
from study.data.index import Index
from study.data.source import Source
from tests.bad_input.formats import CAT, voc, written, xml
from tests.bad_input.yolo import yolo
from tests.data.small_files import document, picture

QUICK = settings(
    max_examples=60,
    deadline=timedelta(seconds=20),  # the time limit: it takes milliseconds, but for the first
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    derandomize=True,
)
IN_XML = st.one_of(st.binary(max_size=12), st.text("<>/&;0123456789.-einfa", max_size=12))
IN_YOLO = st.one_of(st.binary(max_size=9), st.text("0123456789 .-einfa\n", max_size=20))
numbers = st.one_of(
    st.integers(-3, 40),
    st.sampled_from([2**31, 2**63, -(2**63), 10**30, -(10**400), 0.5, 1e300, 1e-300, -0.0]),
    st.floats(),
)
values = st.recursive(
    st.one_of(st.none(), st.booleans(), numbers, st.text(max_size=4)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=4), inner, max_size=2)
    ),
    max_leaves=4,
)


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("STUDY_CACHE", str(tmp_path / "cache"))


def parents(node: Any) -> Iterator[tuple[Any, Any]]:
    """Every place in a document: what holds it, and its key or number there."""
    items = node.items() if isinstance(node, dict) else enumerate(node)
    for key, inner in list(items):
        yield node, key
        if isinstance(inner, dict | list):
            yield from parents(inner)


def is_sound(source: Source) -> bool:
    """Whether a split has no problem; if it has none, all of it must be of use."""
    lines = of_split(source)
    assert all(isinstance(line, str) and line for line in lines)
    if lines:
        return False
    index = Index.open(source)
    for image, (height, width) in enumerate(zip(index.height, index.width, strict=True)):
        rows = range(int(index.first[image]), int(index.first[image + 1]))
        if len(rows):
            assert index.masks(rows).shape == (len(rows), height, width)
        assert all(np.isfinite(ring).all() for row in rows for ring in index.polygons(row))
    for column in (index.bbox, index.area, index.keypoints, index.point):
        assert np.isfinite(column).all()
    assert (index.area > 0).all() and (index.bbox[:, 2:] > 0).all()
    assert len(set(index.file_name.tolist())) == len(index.file_name)
    return True


@pytest.mark.slow
@given(st.randoms(use_true_random=False), st.lists(values, min_size=1, max_size=2), st.booleans())
@QUICK
def test_anything_anywhere_in_coco(tmp_path: Path, rng: random.Random, put: list[Any], gone: bool):
    made = document(2)
    for value in put:
        places = list(parents(made))
        holder, key = rng.choice(places)
        if gone:
            del holder[key]
        elif rng.random() < 0.3:
            other, there = rng.choice(places)  # what is right elsewhere
            holder[key] = json.loads(json.dumps(other[there]))
        else:
            holder[key] = value
    (tmp_path / "images").mkdir(exist_ok=True)
    for k in (1, 2):
        (tmp_path / "images" / f"{k}.png").write_bytes(picture(k))
    path = tmp_path / "train.json"
    path.write_text(json.dumps(made))
    is_sound(AnnotationFile(path, tmp_path / "images"))


@given(st.binary(max_size=12), st.integers(0, 10**6), st.integers(0, 12))
@QUICK
def test_any_bytes_anywhere_in_coco(tmp_path: Path, put: bytes, at: int, instead: int):
    raw = json.dumps(document(2)).encode()
    (tmp_path / "images").mkdir(exist_ok=True)
    for k in (1, 2):
        (tmp_path / "images" / f"{k}.png").write_bytes(picture(k))
    path = tmp_path / "train.json"
    path.write_bytes(raw[: at % len(raw)] + put + raw[at % len(raw) + instead :])
    is_sound(AnnotationFile(path, tmp_path / "images"))


@pytest.mark.slow
@given(
    st.one_of(st.binary(max_size=12), st.text("<>/&;0123456789.-einfa", max_size=12)),
    st.integers(0, 10**6),
)
@QUICK
def test_anything_anywhere_in_voc(tmp_path: Path, put: bytes | str, at: int):
    raw = xml(CAT, CAT).encode()
    put = put.encode() if isinstance(put, str) else put
    written(tmp_path, voc(raw[: at % len(raw)] + put + raw[at % len(raw) + 3 :]))
    refused_or_sound(tmp_path / "d")


@pytest.mark.slow
@given(
    st.one_of(st.binary(max_size=9), st.text("0123456789 .-einfa\n", max_size=20)),
    st.integers(0, 40),
)
@QUICK
def test_anything_anywhere_in_yolo(tmp_path: Path, put: bytes | str, at: int):
    raw = b"1 0.5 0.5 0.2 0.2\n0 0.1 0.1 0.5 0.1 0.5 0.5\n"
    put = put.encode() if isinstance(put, str) else put
    written(tmp_path, yolo(raw[:at] + put + raw[at + 3 :]))
    refused_or_sound(tmp_path / "d")


def refused_or_sound(folder: Path) -> None:
    try:
        source = recognised(folder).train
    except ValueError as error:
        assert str(folder) in str(error)
        return
    is_sound(source)


def test_what_is_in_order_is_sound(tmp_path: Path):
    (tmp_path / "images").mkdir()
    for k in (1, 2):
        (tmp_path / "images" / f"{k}.png").write_bytes(picture(k))
    path = tmp_path / "train.json"
    path.write_text(json.dumps(document(2)))
    assert is_sound(AnnotationFile(path, tmp_path / "images"))
