"""Data sets that are copied: manifests from an object store, which say where files go."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from tests.bad_input.case import Case

DIGEST = "0" * 64
ENTRY: dict[str, Any] = {"size": 1, "sha256": DIGEST, "mtime_ns": 1}


def sync(manifest: object, to: str = "here", raw: bytes | None = None):
    """`study.prepare sync` of a folder with this manifest."""

    def command(folder: Path) -> list[str]:
        (folder / "there").mkdir()
        (folder / "there" / "a.jpg").write_bytes(b"x")
        content = json.dumps(manifest).encode() if raw is None else raw
        (folder / "there" / "manifest.json").write_bytes(content)
        (folder / "file").write_bytes(b"x")
        return ["study.prepare", "sync", "there", to]

    return command


def named(name: str) -> dict[str, Any]:
    return {"files": {name: ENTRY}}


def case(name: str, command: Any, *says: str) -> Case:
    return Case(f"a manifest {name}", command, says, may_write=("here", "here/*"))


def upload(name: str, file: bytes, *says: str) -> Case:
    """`study.prepare upload` of a folder with this file, which is none of ours, and another."""

    def command(folder: Path) -> list[str]:
        path = os.path.join(os.fsencode(folder / "data"), file)  # noqa: PTH118
        os.makedirs(os.path.dirname(path))  # noqa: PTH103, PTH120
        with open(path, "wb") as opened:  # noqa: PTH123
            opened.write(b'{"mine": 1}')
        (folder / "data" / "good.png").write_bytes(b"x")
        return ["study.prepare", "upload", "data", "to"]

    return Case(f"a folder to upload with {name}", command, ("data", *says))


RENAME = "a name that cannot be copied to every machine"
OUTSIDE = ("there/manifest.json", "lies outside of the data set")
CASES = [
    case("that is none", sync(0, raw=b""), "there/manifest.json"),
    case("of text", sync(0, raw=b"hello"), "there/manifest.json"),
    case("of other bytes", sync(0, raw=b"\xff\xfe"), "there/manifest.json"),
    case("nested without end", sync(0, raw=b"[" * 100_000), "there/manifest.json"),
    case("that is a list", sync([]), "there/manifest.json"),
    case("whose files are a list", sync({"files": []}), "there"),
    case("with a file of the folder above", sync(named("../file")), *OUTSIDE),
    case("with a file below it and above", sync(named("a/../../file")), *OUTSIDE),
    case("with a path from the root", sync(named("/tmp/x")), *OUTSIDE),
    case("with a file of no name", sync(named("")), *OUTSIDE),
    case("with a NUL", sync(named("a\0b")), *OUTSIDE),
    case("with a control character", sync(named("\x1b[31m/../../x")), *OUTSIDE),
    case("with a hidden file", sync(named(".sync.json")), *OUTSIDE),
    case("with a file in a hidden folder", sync(named("a/.b/c")), *OUTSIDE),
    case("with a file that ends like a folder", sync(named("a.jpg/")), *OUTSIDE),
    case("with a file of two names", sync(named("./a.jpg")), *OUTSIDE),
    case("with a file in a file", sync({"files": {"a": ENTRY, "a/b": ENTRY}}), "'a'", *OUTSIDE),
    case("with a size of text", sync({"files": {"a.jpg": ENTRY | {"size": "1"}}}), "there"),
    case("with a size below 0", sync({"files": {"a.jpg": ENTRY | {"size": -1}}}), "there"),
    case("with a size of 2^60", sync({"files": {"a.jpg": ENTRY | {"size": 2**60}}}), "are free"),
    case("without a digest", sync({"files": {"a.jpg": {"size": 1}}}), "there"),
    case("with another digest", sync(named("a.jpg")), "digest"),
    Case(
        "a folder to upload that is not there",
        lambda _: ["study.prepare", "upload", "none", "to"],
        ("none", "no such folder"),
    ),
    upload("a name of two lines", b"x\ny.png", "'x\ufffdy.png'", RENAME),
    upload("a name with an escape", b"a/\x1b[31m.png", "'a/\ufffd[31m.png'", RENAME),
    upload("a name that is no UTF-8", b"\xff.png", "'\ufffd.png'", RENAME),
    upload("a name with a backslash", b"a\\b.png", "a\\\\b.png", RENAME),
    upload(
        "a manifest of its own", b"manifest.json", "data/manifest.json", "rename it, or upload"
    ),
    Case("a copy into a file", sync(named("a.jpg"), "file"), ("file",)),
    Case(
        "a copy of what is not there",
        lambda _: ["study.prepare", "sync", "none", "here"],
        ("none",),
        may_write=("here",),
    ),
]
