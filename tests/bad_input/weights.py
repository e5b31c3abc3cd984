"""Weights: files that are none, damaged, dangerous or another network's; addresses; detectors."""

from __future__ import annotations

import atexit
import functools
import http.server
import importlib
import json
import pickle
import struct
import threading
import zipfile
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlparse

import numpy as np
import safetensors.torch
import torch

from study.commands.spaces import find as find_space
from study.data.checks import check
from study.models.backbones import find
from tests.bad_input.case import Case

Write = Callable[[Path], object]


@functools.cache
def ready() -> None:
    """Render the embedded data and import torch: once, and charged to no case's limit of time."""
    importlib.import_module("study.models.initialisation")
    importlib.import_module("study.trained.module")
    check(find_space("shapes").fixed.data, ())


def arm(text: str, *options: str, write: Write | None = None):
    """A sweep with this arm; `write` makes files in its folder."""

    def command(folder: Path) -> list[str]:
        ready()
        if write:
            write(folder)
        given = text.format(server=server()) if "{server}" in text else text
        arms = ["--arms", "scratch", given]
        return ["study.sweep", "shapes", "--run-dir", "runs/x", *arms, *options, "--dry-run"]

    return command


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


@functools.cache
def right() -> dict[str, torch.Tensor]:
    """Tensors of the embedded data's backbone, that fit."""
    shipped = find("thin").shipped
    assert shipped
    return safetensors.torch.load_file(shipped.file)


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
FILES = [
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


# ---------------------------------------------------------------- arms


def _link(folder: Path) -> None:
    (folder / "a.pth").symlink_to("a.pth")


def _folder(folder: Path) -> None:
    (folder / "a.pth").mkdir()


def _fits(folder: Path) -> None:
    safetensors.torch.save_file(right(), folder / "a.safetensors")


def _renamed(name: str) -> Write:
    return lambda folder: (folder / name).write_bytes(b"x" * 100)


ARMS = [
    Case("a folder as weights", arm("mine=a.pth", write=_folder), ("a.pth", "a folder", "give")),
    Case("no such file", arm("mine=none.pth"), ("none.pth", "path of an existing file")),
    Case("a link to itself", arm("mine=a.pth", write=_link), ("a.pth", "give the path")),
    Case("a path too long", arm("mine=" + "x" * 5000), ("give the path",), ("x" * 100,)),
    Case("a path with NUL", arm("mine=a\0b.pth"), ("arms", "path")),
    Case("another user's folder", arm("mine=~nobody-of-that-name/a.pth"), ("give the path",)),
    Case("no weights after a name", arm("mine="), ("'mine='", "names no weights", "NAME=FILE")),
    Case("blanks after a name", arm("mine=  "), ("names no weights",)),
    Case("nothing at all", arm(""), ("names no weights",)),
    Case("a device", arm("mine=/dev/zero"), ("/dev/zero", "path of an existing file")),
    Case(
        "an arm twice",
        arm("scratch"),
        ("arms", "each once"),
    ),
    Case(
        "a name twice",
        arm(
            "mine=a.safetensors", "--arms", "mine=a.safetensors", "mine=a.safetensors", write=_fits
        ),
        ("arms", "each once"),
    ),
    *(
        Case(
            f"an arm called {name!r}",
            arm(f"{name}=a.safetensors", write=_fits),
            ("arms", "letters, digits"),
        )
        for name in (
            ".x",
            "a b",
            "<script>",
            "é",
            "scratch",
            "x" * 65,
            "a;b",
            "[red]",
            "\x1b[31m",
            "",
        )
    ),
    Case(
        "a file with a strange name",
        arm("strange name.pth", write=_renamed("strange name.pth")),
        ("cannot name", "name=path"),
    ),
    Case("timm's, unknown", arm("mine=timm/no_such_model.in1k"), ("no_such_model",)),
    Case("timm's, of another model", arm("mine=timm/resnet18.a1_in1k"), ("another network's",)),
    Case("timm's, no name", arm("mine=timm/"), ("timm/",)),
    Case(
        "timm's, without a name of its own", arm("timm/resnet18.a1_in1k"), ("NAME=timm/resnet18",)
    ),
    Case(
        "train's arm",
        lambda _: ["study.train", "--run-dir", "r", "--arm", "mine=none.pth", "--lengths", "4"],
        ("none.pth",),
    ),
]


# ---------------------------------------------------------------- addresses


class Answers(http.server.BaseHTTPRequestHandler):
    """A server that answers as its path says."""

    def do_GET(self) -> None:
        kind = urlparse(self.path).path.split("/")[1]
        if kind.isdigit():
            self._send(int(kind), b"no")
        elif kind == "loop":
            self._send(302, b"", Location="/loop/a.pth")
        elif kind == "local":
            self._send(302, b"", Location="file:///etc/passwd")
        elif kind == "ftp":
            self._send(302, b"", Location="ftp://127.0.0.1/a.pth")
        elif kind == "linked":
            told = {"X-Linked-ETag": f'"{"0" * 64}"', "Location": "/page/a.pth"}
            self._send(302, b"", None, **told)
        elif kind == "few":
            self._send(200, b"\x80\x02abc", length=10_000)
        elif kind == "many":
            self._send(200, b"x", length=10**15)
        elif kind == "page":
            self._send(200, b"<!doctype html><title>Log in</title>")
        elif kind == "empty":
            self._send(200, b"")
        elif kind == "noise":
            self._send(200, bytes(range(200, 256)) * 30)
        elif kind == "code":
            self._send(200, pickle.dumps(Writes()))
        else:
            self.wfile.write(b"this is no HTTP\r\n\r\n")
        self.close_connection = True

    def _send(self, status: int, body: bytes, length: int | None = None, **headers: str) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body) if length is None else length))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass


@functools.cache
def server() -> str:
    """The address of a server on this machine, started when it is first needed."""
    listening = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    threading.Thread(target=listening.serve_forever, daemon=True).start()
    atexit.register(listening.shutdown)
    return f"http://127.0.0.1:{listening.server_address[1]}"


def url(name: str, address: str, *says: str, never: tuple[str, ...] = ()) -> Case:
    return Case(f"an address {name}", arm(f"mine={address}"), says, never)


CUT = ("cannot be downloaded", "give the path of a file")
SECRET = ("which the study would write down", "download the file, and give its path")
URLS = [
    url("without a file", "https://host.invalid", "names no file", "https://HOST/PATH/FILE"),
    url("without a host", "https:///a.pth", "names no host"),
    url("with an odd port", "https://host:abc/a.pth", "no valid address"),
    url("with a port too large", "https://host:99999/a.pth", "no valid address"),
    url("with a broken bracket", "https://[::1/a.pth", "no valid address"),
    url("with a blank", "https://host/a b.pth", "spaces or control characters"),
    url(
        "with a line's end", "https://host/a\r\nHost: x/b.pth", "control characters", never=("\r",)
    ),
    url("with an ANSI escape", "https://host/\x1b[31m.pth", "control characters", never=("\x1b",)),
    url("with other letters", "https://höst/a.pth", "beyond ASCII", "%XX"),
    url("of a file", "file:///etc/hostname", "file://", "give its path"),
    url("of FTP", "ftp://host/a.pth", "ftp://", "give its path"),
    url("of a bucket", "s3://bucket/a.pth", "s3://", "copy the file"),
    url("of data", "data://text/a.pth", "data://"),
    url("with a digest of another kind", "https://host/a.pth#md5=12", "md5=12", "must be sha256="),
    url("with a digest too short", "https://host/a.pth#sha256=12", "8 to 64 hexadecimal"),
    url("with a password", "https://user:hunter2@host/a.pth", *SECRET, never=("hunter2",)),
    url("with a user", "https://hunter2@host/a.pth", *SECRET, never=("hunter2",)),
    *(
        url(
            f"with {name}",
            f"https://host/a.pth?x=1&{name}=hunter2",
            *SECRET,
            name,
            never=("hunter2",),
        )
        for name in (
            "token",
            "access_token",
            "X-Amz-Signature",
            "sig",
            "api_key",
            "AWSAccessKeyId",
        )
    ),
    Case("an address without a name", arm("https://host/a.pth"), ("NAME=https://host/a.pth",)),
    url("that does not resolve", "http://no-such-host.invalid/a.pth", *CUT),
    url("that refuses", "http://127.0.0.1:9/a.pth", *CUT, "nothing answers at that host and port"),
    url("that leads in a circle", "{server}/loop/a.pth", *CUT, "from one address to the next"),
    url("that leads to a file", "{server}/local/a.pth", *CUT, "no file on the web"),
    url("that leads to FTP", "{server}/ftp/a.pth", *CUT),
    url("that is not there", "{server}/404/a.pth", *CUT, "answered 404: there is no such file"),
    url("that asks to log in", "{server}/401/a.pth", *CUT, "asks to log in"),
    url("that may not be had", "{server}/403/a.pth", *CUT, "may not be had"),
    url("that fails", "{server}/500/a.pth", *CUT, "the server failed"),
    url("that sends too few bytes", "{server}/few/a.pth", *CUT, "of 10,000", "cut"),
    url("that states too many bytes", "{server}/many/a.pth", *CUT, "1,000,000,000,000,000 bytes"),
    url("that is no HTTP", "{server}/odd/a.pth", *CUT, "not HTTP"),
    url("of a page", "{server}/page/a.pth", "a web page", "/page/a.pth", never=(".partial",)),
    url("of nothing", "{server}/empty/a.pth", "an empty file", never=(".partial",)),
    url("of noise", "{server}/noise/a.safetensors", "damaged", never=(".partial",)),
    url("of a program", "{server}/code/a.pkl", "open", never=(".partial",)),
    url(
        "with another digest",
        "{server}/page/a.pth#sha256=0123456789abcdef",
        "must begin with 0123456789abcdef",
        "SHA-256",
    ),
    url("whose server states another digest", "{server}/linked/a.pth", "must begin with 0000"),
]


# ---------------------------------------------------------------- a detector's folder


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
DETECTORS = [
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

CASES = [*FILES, *ARMS, *URLS, *DETECTORS]
