"""Weights: files that are none, damaged, dangerous or another network's."""

from __future__ import annotations

import functools
import pickle
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import safetensors.torch
import torch

from tests.bad_input.arms import arm, right
from tests.bad_input.case import Case


def file(name: str, write: Callable[[Path], None], *says: str, never: tuple[str, ...] = ()):
    """A case of a weights file that `write` writes to the path."""
    label = getattr(write, "label", write.__name__).replace("_", " ")
    return Case(
        f"{label} as {name}",
        arm(f"mine={name}", write=lambda folder: write(folder / name)),
        (name, *says),
        never,
    )


def of(label: str, content: bytes) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        path.write_bytes(content)

    write.label = label  # type: ignore[attr-defined]
    return write


def changed(label: str, change: Callable[[dict], object]) -> Callable[[Path], None]:
    """A file with weights that would fit, after a change."""

    def write(path: Path) -> None:
        tensors = dict(right())
        content = change(tensors)
        if path.suffix == ".safetensors":
            safetensors.torch.save_file(tensors, path)
        else:
            torch.save(tensors if content is None else content, path)

    write.label = label  # type: ignore[attr-defined]
    return write


def cut(label: str, keep: float):
    def write(path: Path) -> None:
        changed("", lambda _: None)(path)
        whole = path.read_bytes()
        path.write_bytes(whole[: int(len(whole) * keep)])

    write.label = label  # type: ignore[attr-defined]
    return write


class Writes:
    """Unpickled by anybody who runs what is pickled, it writes a file."""

    def __reduce__(self):
        return open, ("it-ran", "w")


def pickled(path: Path) -> None:
    """a pickle with a program"""
    content = Writes() if path.suffix == ".pkl" else {"state_dict": right(), "more": Writes()}
    if path.suffix == ".pkl":
        path.write_bytes(pickle.dumps(content))
    else:
        torch.save(content, path)


def legacy_pickled(path: Path) -> None:
    torch.save({"more": Writes()}, path, _use_new_zipfile_serialization=False)


def huge_claim(path: Path) -> None:
    """One value, seen as 2^40."""
    torch.save({"stem.0.weight": torch.zeros(1).expand(2**40)}, path)


def zipped(label: str, **files: str):
    def write(path: Path) -> None:
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, text in files.items():
                archive.writestr(name.replace("__", "/").replace("_dot_", "."), text)

    write.label = label  # type: ignore[attr-defined]
    return write


def header(label: str, length: int, text: bytes = b"{}"):
    return of(label, struct.pack("<Q", length) + text)


def nested(path: Path) -> None:
    path.write_bytes(pickle.dumps(functools.reduce(lambda inner, _: [inner], range(300), [])))


def object_blobs(path: Path) -> None:
    path.write_bytes(pickle.dumps({"conv1_w": np.array("text"), "res_conv1_bn_s": 1}, protocol=2))


def _set(name: str, value: torch.Tensor | None):
    def change(tensors: dict) -> None:
        if value is None:
            del tensors[name]
        else:
            tensors[name] = value

    return change


def _first(value: float):
    def change(tensors: dict) -> None:
        tensors["stem.0.weight"] = tensors["stem.0.weight"].clone()
        tensors["stem.0.weight"][0, 0, 0, 0] = value

    return change


def _typed(dtype: torch.dtype):
    def change(tensors: dict) -> None:
        tensors["stem.0.weight"] = tensors["stem.0.weight"].to(dtype)

    return change


WHOLE = ("rpn.head.cls_logits.weight", "roi_heads.box_predictor.cls_score.weight")


def _detector(**shapes: tuple[int, ...]):
    """What looks like a detector of torchvision's, with these shapes."""

    def change(_: dict) -> dict:
        return {name: torch.zeros(shapes.get(name.split(".")[-2], (2, 2))) for name in WHOLE}

    return change


def _of_others(*names: str):
    return lambda _: {name: torch.zeros(3) for name in names}


TRUNCATED = ("damaged", "cut off", "copy or download it again")
UNREAD = ("more than tensors and plain values", "the state dict alone")
CASES = [
    *(
        file(name, of("nothing", b""), "an empty file")
        for name in ("a.pth", "a.safetensors", "a.pkl")
    ),
    *(
        file(name, of("text", b"weights are elsewhere\n" * 40), "a text file", "give a")
        for name in ("README.md", "a.pth", "a.safetensors", "a.pkl")
    ),
    *(
        file(
            name, of("a web page", b"\n<!DOCTYPE html><html>Log in</html>"), "a web page", "give a"
        )
        for name in ("a.pth", "a.safetensors")
    ),
    file(
        "a.pth", of("a pointer", b"version https://git-lfs.github.com/spec/v1\n"), "git lfs pull"
    ),
    file("a.pth", of("random bytes", bytes(range(200, 256)) * 30), *UNREAD),
    file("a.pkl", of("random bytes", bytes(range(200, 256)) * 30), *TRUNCATED),
    file("a.safetensors", of("random bytes", bytes(range(200, 256)) * 30), *TRUNCATED),
    file("a.pth", of("zeros", b"\0" * 4096), *UNREAD),
    file("a.safetensors", of("zeros", b"\0" * 4096), *TRUNCATED),
    file("a.safetensors", of("four bytes", b"\1\0\0\0"), "damaged"),
    file(
        "a.safetensors", header("a header of 2^60", 2**60), "header of 1,152,921,504,606,846,976"
    ),
    file("a.safetensors", header("a header that is longer", 3), "a header of 3 bytes, and has 10"),
    file("a.safetensors", header("a header of no JSON", 4, b"\xff\xfe\xfd{"), *TRUNCATED),
    file("a.safetensors", header("a header that is a list", 2, b"[]"), *TRUNCATED),
    file("a.safetensors", header("no tensors", 2), "holds no tensors", "a state dict"),
    *(file("a.pth", cut(f"{k:.0%} of it", k), "cut off", "again") for k in (0.999, 0.5, 0.01)),
    *(file("a.safetensors", cut(f"{k:.0%} of it", k), *TRUNCATED) for k in (0.999, 0.5, 0.05)),
    file("a.pth", pickled, *UNREAD, "open", never=("allowlist", "trust")),
    file("a.bin", legacy_pickled, *UNREAD, never=("allowlist", "trust")),
    file("a.pkl", pickled, "open", "only NumPy arrays"),
    file("a.pkl", nested, "no Caffe2 blobs"),
    file("a.pkl", object_blobs, "weights", "must be"),
    file("a.pth", zipped("an archive of pictures", one_dot_jpg="x"), "no checkpoint", "unpack it"),
    file("a.pth", zipped("a bomb", a__data_dot_pkl="0" * 10**6), "compressed archive"),
    file("a.pth", zipped("an archive of text", a__data_dot_pkl="text"), *UNREAD),
    file("a.pth", changed("a list", lambda _: [1, 2]), "holds list, not a state dict"),
    file("a.pth", changed("a number", lambda _: 7), "holds int, not a state dict"),
    file("a.pth", changed("one tensor", lambda t: t["stem.0.weight"]), "not a state dict"),
    file("a.pth", changed("no tensors", lambda _: {"epoch": 3}), "holds no tensors (epoch)"),
    file("a.pth", changed("a nested list", lambda _: {"model": {}}), "holds no tensors"),
    file(
        "a.pth", changed("a missing tensor", _set("stem.0.weight", None)), "missing: stem.0.weight"
    ),
    file("a.pth", changed("one too many", _set("x.y", torch.zeros(2))), "left over: x.y (2,)"),
    file(
        "a.pth",
        changed("control characters", _set("\x1b[31m", torch.zeros(2))),
        "left over: \ufffd",
    ),
    file(
        "a.pth",
        changed("a name of 10,000", _set("x" * 10**4, torch.zeros(2))),
        "xxx…",
        never=("x" * 100,),
    ),
    file(
        "a.safetensors",
        changed("another shape", _set("stem.0.weight", torch.zeros(4, 4))),
        "stem.0.weight is (4, 4), must be (24, 3, 3, 3)",
    ),
    *(
        file("a.pth", changed(f"{value} inside", _first(value)), "not finite: stem.0.weight")
        for value in (float("nan"), float("inf"))
    ),
    file(
        "a.pth",
        changed(
            "too large for float32",
            lambda t: t | {"stem.0.weight": t["stem.0.weight"].double() + 1e300},
        ),
        "not finite: stem.0.weight",
    ),
    *(
        file("a.pth", changed(f"{dtype}", _typed(dtype)), "stem.0.weight is", "must be float32")
        for dtype in (torch.int64, torch.bool, torch.complex64)
    ),
    file("a.pth", changed("sparse", lambda t: t | {"x": torch.zeros(3).to_sparse()}), "sparse"),
    file("a.pth", huge_claim, "1,099,511,627,776 values, must be at most"),
    file(
        "a.pth",
        changed(
            "ResNet-50's names", _of_others("conv1.weight", "layer1.0.conv1.weight", "fc.weight")
        ),
        "missing: ",
        "left over: conv1.weight",
        "more",
    ),
    file(
        "a.pth",
        changed(
            "two backbones", lambda t: {f"{p}.x": torch.zeros(1) for p in ("backbone", "encoder")}
        ),
        "the same tensor of two backbones",
    ),
    file("a.pth", changed("half a detector", _detector()), "a detector", "lacks roi_heads"),
    file("a.pth", changed("a detector of odd shapes", _detector(cls_score=())), "detector"),
    file(
        "a.pth",
        changed("a cascade", _of_others("roi_head.bbox_head.0.fc_cls.weight")),
        "a cascade of mmdetection",
    ),
    file(
        "a.pth",
        changed("mmdetection's first", _of_others("bbox_head.fc_cls.weight")),
        "mmdetection 1",
    ),
    file(
        "a.pth",
        changed(
            "a strange mmdetection",
            _of_others("rpn_head.rpn_cls.weight", "roi_head.bbox_head.fc_cls.weight"),
        ),
        "detector",
    ),
    file(
        "a.pth",
        changed(
            "a strange detectron2",
            _of_others(
                "proposal_generator.rpn_head.objectness_logits.weight",
                "roi_heads.box_predictor.cls_score.weight",
            ),
        ),
        "detector",
    ),
]
