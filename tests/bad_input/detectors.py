"""A detector's folder, as `study.predict` and `study.export` get it."""

from __future__ import annotations

import json
import struct
from pathlib import Path

from tests.bad_input.case import Case


def detector(**files: bytes | None):
    """`study.predict` with a folder of these files."""

    def command(folder: Path) -> list[str]:
        own = folder / "detector"
        own.mkdir()
        for name, content in files.items():
            if content is not None:
                (own / f"{name}.{'json' if name == 'config' else 'safetensors'}").write_bytes(
                    content
                )
        (folder / "one.png").write_bytes(PNG)
        return ["study.predict", "detector", "one.png", "--out", "found"]

    return command


PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de0000000c49444154789c63f8"
    "cfc0000003010100c9fe92ef0000000049454e44ae426082"
)


def said(**changes: object) -> bytes:
    from study.config import TINY, to_dict

    whole = {
        "format": 1,
        "model": to_dict(TINY),
        "categories": [{"id": 1, "name": "dot"}],
        "input": {},
        "compute": "float32",
        "precision": "float32",
    }
    return json.dumps({k: v for k, v in (whole | changes).items() if v != "gone"}).encode()


def folder(
    name: str, config: bytes | None, *says: str, weights: bytes | None = b"\0" * 64
) -> Case:
    return Case(f"a detector {name}", detector(config=config, weights=weights), says)


NOT = ("detector/config.json", "not the config.json of a detector", "again")
CASES = [
    folder("without weights", said(), "weights.safetensors missing", weights=None),
    folder("without a configuration", None, "config.json missing"),
    folder("of nothing", b"", *NOT),
    folder("of text", b"hello", *NOT),
    folder("of other bytes", b"\xff\xfe\x00", *NOT),
    folder("that is a list", b"[]", *NOT),
    folder("that is null", b"null", *NOT),
    folder("nested without end", b"[" * 100_000, *NOT),
    folder("of a later version", said(format=99), "format = 99", "this version reads 1"),
    folder("without a format", said(format="gone"), *NOT),
    *(
        folder(f"without {key}", said(**{key: "gone"}), *NOT)
        for key in ("model", "categories", "compute", "precision")
    ),
    folder("whose model is a list", said(model=[]), *NOT),
    folder("whose model is unknown", said(model={"body": {"name": "vgg99"}}), *NOT),
    folder("whose classes are a number", said(categories=3), *NOT),
    folder("without classes", said(categories=[]), *NOT),
    folder("whose class has no name", said(categories=[{"id": 1}]), *NOT),
    folder("whose class is called 3", said(categories=[{"id": 1, "name": 3}]), *NOT),
    folder("whose id is text", said(categories=[{"id": "1", "name": "a"}]), *NOT),
    folder("whose id is true", said(categories=[{"id": True, "name": "a"}]), *NOT),
    folder(
        "of two classes with one id", said(categories=[{"id": 1, "name": n} for n in "ab"]), *NOT
    ),
    folder("of an unknown precision", said(precision="float9"), *NOT),
    folder("whose precision is an attribute of torch", said(precision="load"), *NOT),
    folder("of an unknown arithmetic", said(compute="int4"), *NOT),
    folder("whose weights are empty", said(), "weights.safetensors", "empty file", weights=b""),
    folder(
        "whose weights are text", said(), "weights.safetensors", "a text file", weights=b"hello"
    ),
    folder("whose weights are zeros", said(), "weights.safetensors", "damaged"),
    folder(
        "whose weights are others than it says",
        said(weights_sha256="0" * 64),
        *("weights.safetensors", "SHA-256", "config.json says 0000000000000000…", "again"),
        weights=struct.pack("<Q", 2) + b"{}",
    ),
    folder("whose digest is none", said(weights_sha256="x"), *NOT),
    folder("whose digest is a number", said(weights_sha256=int("1" * 64)), *NOT),
    folder(
        "whose weights are another's",
        said(),
        "weights.safetensors",
        "missing",
        weights=struct.pack("<Q", 2) + b"{}",
    ),
    Case(
        "a detector that is not there",
        lambda _: ["study.predict", "none", "one.png", "--out", "x"],
        ("none", "holds no detector"),
    ),
    Case(
        "a detector to export that is not there",
        lambda _: ["study.export", "none", "a.onnx", "--height", "8", "--width", "8"],
        ("none", "holds no detector"),
    ),
]
