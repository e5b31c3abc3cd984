"""A data set reaches every node whole and right, once, and what is wrong is named."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator
from pathlib import Path

import boto3
import numpy as np
import pytest

from study.data.distribution import sync
from study.prepare import main
from study.storage import Store, opened
from tests.objects import BUCKET, fresh, s3

LARGE = "train/large.bin"


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with s3() as url:
        yield url


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Annotations, images, and one file of several parts."""
    folder, rng = tmp_path / "data", np.random.default_rng(0)
    (folder / "train").mkdir(parents=True)
    (folder / "train.json").write_text(json.dumps({"images": [1, 2]}))
    for number in range(6):
        (folder / "train" / f"{number}.png").write_bytes(rng.bytes(1000 + number))
    (folder / LARGE).write_bytes(rng.bytes(20_000_000))
    return folder


@pytest.fixture
def uploaded(server: str, folder: Path) -> Store:
    store = opened(fresh())
    sync.upload(folder, store, print)
    return store


def contents(folder: Path) -> dict[str, tuple[bytes, int]]:
    return {
        str(path.relative_to(folder)): (path.read_bytes(), path.stat().st_mtime_ns)
        for path in folder.rglob("*")
        if path.is_file() and not path.name.startswith(".")
    }


@pytest.mark.slow
def test_the_commands_upload_and_bring(server: str, folder: Path, tmp_path: Path, capsys):
    address, node = fresh(), tmp_path / "node"
    assert main(["upload", str(folder), address]) == 0
    assert main(["sync", address, str(node)]) == 0
    assert contents(node) == contents(folder)  # and when they changed: decoded images hang on it
    capsys.readouterr()
    assert main(["sync", address, str(node)]) == 0
    assert (
        "0 of 0 files, 0.0 of 0.0 GB copied or checked, 8 checked before"
        in capsys.readouterr().out
    )


def test_every_name_that_is_uploaded_is_brought(folder: Path, tmp_path: Path):
    (folder / LARGE).unlink()
    for name in ("a" * 250 + ".png", "ö" * 125, "at 9.41\u202fAM.png", "日本 1.png", "a.b/c..d"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(name)
    (folder / ".hidden").write_text("stays")
    for target in ("store", "again"):  # what was uploaded to may be uploaded from
        sync.upload(folder, opened(tmp_path / target), print)
        folder = tmp_path / target
    sync.sync(opened(folder), tmp_path / "node", print)
    expected = {name for name in contents(folder) if name != "manifest.json"}
    assert set(contents(tmp_path / "node")) == expected and len(expected) == 12


@pytest.mark.slow
def test_what_has_not_changed_is_not_uploaded_again(uploaded: Store, folder: Path):
    before = uploaded.stamps()
    (folder / "train.json").write_text("{}")
    sync.upload(folder, uploaded, print)
    after = uploaded.stamps("train/*")
    assert after == {name: before[name] for name in after}
    assert uploaded.read("train.json") == b"{}"


@pytest.mark.slow
def test_a_download_that_was_cut_off_goes_on_where_it_was(
    uploaded: Store, folder: Path, tmp_path: Path
):
    node, half = tmp_path / "node", 12_345_678
    (node / "train").mkdir(parents=True)
    whole = (folder / LARGE).read_bytes()
    (node / "train" / ".large.bin.partial").write_bytes(whole[:half])
    said: list[str] = []
    sync.sync(uploaded, node, said.append)
    assert contents(node) == contents(folder)
    small = sum(len(content) for content, _ in contents(folder).values()) - len(whole)
    assert f"{(len(whole) - half + small) / 1e9:.1f} of" in said[-1]
    (node / LARGE).unlink()  # and what was cut off of another file begins anew
    (node / "train" / ".large.bin.partial").write_bytes(b"x" * half)
    sync.sync(uploaded, node, print)
    assert contents(node) == contents(folder)


@pytest.mark.slow
def test_a_file_with_another_digest_is_refused_by_name(uploaded: Store, tmp_path: Path):
    boto3.client("s3").put_object(
        Bucket=BUCKET,
        Key=f"{str(uploaded).removeprefix(f's3://{BUCKET}/')}/train/3.png",
        Body=b"?",
    )
    node = tmp_path / "node"
    with pytest.raises(ValueError, match=rf"{uploaded}/train/3.png: its digest"):
        sync.sync(uploaded, node, print)
    assert not (node / "train" / "3.png").exists() and (node / LARGE).exists()
    assert not list(node.rglob("*.partial"))


@pytest.mark.slow
def test_a_file_that_was_there_and_differs_is_left_and_named(uploaded: Store, tmp_path: Path):
    node = tmp_path / "node"
    sync.sync(uploaded, node, print)
    (node / "train" / "1.png").write_bytes(b"mine")
    with pytest.raises(ValueError, match=rf"{node}/train/1.png: is not what .* remove it"):
        sync.sync(uploaded, node, print)
    assert (node / "train" / "1.png").read_bytes() == b"mine"


@pytest.mark.slow
def test_one_process_of_a_node_brings_it(uploaded: Store, folder: Path, tmp_path: Path):
    node, said = tmp_path / "node", []
    threads = [
        threading.Thread(target=sync.sync, args=(uploaded, node, said.append)) for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert contents(node) == contents(folder)
    ends = [line for line in said if " is in " in line]
    assert sum("8 of 8 files" in line for line in ends) == 1
    assert sum("8 checked before" in line for line in ends) == 2


def test_what_cannot_be_brought_is_said(server: str, folder: Path, tmp_path: Path, capsys):
    assert main(["sync", fresh(), str(tmp_path / "node")]) == 2
    assert "has no manifest.json: upload a data set first" in capsys.readouterr().err
    assert main(["upload", str(tmp_path / "nothing"), fresh()]) == 2
    assert "there is no such folder" in capsys.readouterr().err
    assert main(["sync", "s3://missing/data", str(tmp_path / "node")]) == 2
    assert "there is no such bucket" in capsys.readouterr().err
    store = opened(fresh())
    digest = hashlib.sha256(b"").hexdigest()
    row = {"size": 0, "sha256": digest, "mtime_ns": 0}
    store.write("manifest.json", json.dumps({"files": {"../outside": row}}).encode())
    with pytest.raises(ValueError, match=r"'\.\./outside': lies outside of the data set"):
        sync.sync(store, tmp_path / "node", print)
    huge = {"size": 10**17, "sha256": digest, "mtime_ns": 0}
    store.write("manifest.json", json.dumps({"files": {"huge": huge}}).encode())
    with pytest.raises(ValueError, match=r"GB are free, and 100,000,000.0 GB are to come"):
        sync.sync(store, tmp_path / "node", print)
