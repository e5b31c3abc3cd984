"""What can be said of a weights file at the first look, before torch is imported."""

from __future__ import annotations

from pathlib import Path

REMEDY = "give a .safetensors file, or a .pth file with the state dict alone"
MOST_HEADER_BYTES = 10**8
"""Of a .safetensors file, as the format has it."""
START_BYTES = 512


def require_file(path: Path) -> None:
    """Refuse what is no file with weights at the first look.

    Raises:
        ValueError: a folder, nothing, no file to be read, an empty one, a web page or text.
    """
    if path.is_dir():
        raise ValueError(f"weights {str(path)!r}: a folder; give the weights file in it")
    if not path.is_file():
        raise ValueError(f"weights {str(path)!r}: no such file; give the path of a weights file")
    try:
        with path.open("rb") as file:
            start = file.read(START_BYTES)
    except OSError as error:
        raise ValueError(
            f"weights {str(path)!r}: cannot be read ({error.strerror}); give a file that you may"
            " read"
        ) from error
    if not start:
        raise ValueError(f"weights {str(path)!r}: an empty file; copy or download it again")
    if kind := _text(start):
        raise ValueError(f"weights {str(path)!r}: {kind}; {REMEDY}")
    if path.suffix == ".safetensors":
        _require_header(path, start)


def damaged(path: Path, detail: str = "") -> ValueError:
    """The error for a file that has the right kind, and cannot be read."""
    why = f" ({detail})" if detail else ""
    return ValueError(
        f"weights {str(path)!r}: damaged, cut off, or no {_called(path)}{why}; copy or download it"
        " again"
    )


def _require_header(path: Path, start: bytes) -> None:
    size, length = path.stat().st_size, int.from_bytes(start[:8], "little")
    if size < 8 or length > min(size - 8, MOST_HEADER_BYTES):
        states = f"it states a header of {length:,} bytes, and has {size:,} in all"
        raise damaged(path, states if size >= 8 else "")


def _text(start: bytes) -> str:
    """What a file is that begins like this, if it is for people; otherwise nothing."""
    low = start.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if low.startswith((b"<!doctype html", b"<html", b"<head", b"<?xml")):
        return "a web page, not weights: its address was that of a page, or asks to log in"
    if low.startswith(b"version https://git-lfs"):
        return "a pointer of Git LFS, not the file itself: run git lfs pull"
    try:
        text = start.decode()
    except UnicodeDecodeError as error:
        if error.start < len(start) - 3:
            return ""
        text = start[: error.start].decode()
    is_text = all(one.isprintable() or one in "\t\r\n" for one in text)
    return "a text file, not weights" if is_text else ""


def _called(path: Path) -> str:
    return ".safetensors file" if path.suffix == ".safetensors" else "file of torch.save"
