"""The file behind an address, fetched once into torch's cache, whole and right or not at all.

What is known of the digest is checked: one that the address itself states (`#sha256=…`), the first
eight digits that some publishers put into the file's name, or what Hugging Face's server says of
the file. A file that is no weights file is refused before it has a name in the cache.
"""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import os
import re
import shutil
import ssl
import tempfile
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import urlparse

import torch

from study.config.checks.addresses import require_address, stated_digest

WAIT_S = 30.0
"""For a server to answer, and between two parts of an answer."""
MOST_BYTES = 50 * 10**9
CHUNK_BYTES = 2**20
REMEDY = "give the path of a file"
IN_NAME = re.compile(r"-([0-9a-f]{8})\.(?:pth|pt|safetensors|pkl|bin)$")
NAMED_BY_DIGEST = ("download.pytorch.org", "download.openmmlab.com")
"""Hosts whose files carry the first eight digits of their SHA-256; elsewhere such digits are dates
or commits."""
LINKED = "X-Linked-ETag"  # Hugging Face's, of a file kept apart: its SHA-256


class Unreachable(OSError):
    """A file that cannot be had; says why."""


def fetched(url: str, look: Callable[[Path], object]) -> Path:
    """The file behind a URL, downloaded once; `look` refuses a file that is not wanted.

    Raises:
        ValueError: it cannot be downloaded, is not what was published, or `look` refuses it.
    """
    require_address(url)
    # the address in the name, because half of all weights are called checkpoint.pth
    name = f"{hashlib.sha256(url.encode()).hexdigest()[:8]}-{Path(urlparse(url).path).name[-120:]}"
    path = cache() / name
    if path.is_file():
        require_digest(path, digest_of(url), f"weights {url!r}: the copy {str(path)!r}")
        return path
    try:
        bring(url, path, look)
    except Unreachable as error:
        raise ValueError(f"weights {url!r}: cannot be downloaded ({error}); {REMEDY}") from error
    return path


def cache() -> Path:
    """torch's folder of downloaded weights."""
    return Path(torch.hub.get_dir()) / "checkpoints"


def bring(url: str, path: Path, look: Callable[[Path], object]) -> None:
    """Download a file to `path`, if it has the digest that is known of it and `look` takes it.

    Raises:
        Unreachable: it cannot be had, or not be stored.
        ValueError: it is not what was published, or `look` refuses it.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(path.suffix, ".partial-", path.parent)
    except OSError as error:
        raise Unreachable(
            f"it cannot be stored in {str(path.parent)!r}: {error.strerror}; set TORCH_HOME to a"
            " folder that can be written"
        ) from error
    os.close(handle)
    partial = Path(name)
    try:
        linked = _download(url, partial)
        for digest in filter(None, (digest_of(url), linked)):
            require_digest(partial, digest, f"weights {url!r}: what was downloaded")
        try:
            look(partial)
        except ValueError as error:
            said = str(error).replace(repr(name), repr(url))
            raise ValueError(f"{said} (it was downloaded just now)") from error
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def digest_of(url: str) -> str | None:
    """The first digits of the SHA-256 that the file must have; None: nobody says."""
    if told := stated_digest(url):
        return told
    parts = urlparse(url)
    in_name = IN_NAME.search(parts.path)
    return in_name[1] if in_name and parts.hostname in NAMED_BY_DIGEST else None


def require_digest(path: Path, digest: str | None, what: str) -> None:
    """Refuse a file with another SHA-256 than one that begins with `digest`.

    Raises:
        ValueError: it has another one.
    """
    if digest is None:
        return
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if not found.startswith(digest):
        raise ValueError(
            f"{what} has SHA-256 {found[: max(16, len(digest))]}…, must begin with {digest}:"
            f" damaged, or not what was published; remove it if it is there, and try again, or"
            f" {REMEDY}"
        )


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows redirections, but never from https to what anybody on the way can change."""

    linked: str | None = None

    def redirect_request(self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str):
        if req.type == "https" and not newurl.startswith("https:"):
            raise URLError("it leads from https to an address without encryption")
        told = (headers.get(LINKED) or "").strip('"').lower()
        if re.fullmatch(r"[0-9a-f]{64}", told):
            self.linked = told
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _opener(redirects: _Redirects) -> urllib.request.OpenerDirector:
    """Of http and https alone: neither an address nor a redirection opens a file or FTP."""
    opener = urllib.request.OpenerDirector()
    for handler in (
        *(urllib.request.ProxyHandler(), urllib.request.HTTPHandler()),
        *(urllib.request.HTTPSHandler(), urllib.request.HTTPErrorProcessor()),
        *(urllib.request.HTTPDefaultErrorHandler(), urllib.request.UnknownHandler(), redirects),
    ):
        opener.add_handler(handler)
    opener.addheaders = [("User-Agent", "rethink-pretraining")]
    return opener


def _download(url: str, partial: Path) -> str | None:
    """Write what the address gives into a file; the digest that the server tells, if it does."""
    redirects = _Redirects()
    try:
        answer = _opener(redirects).open(url.partition("#")[0], timeout=WAIT_S)
        with contextlib.closing(answer), partial.open("wb") as file:
            stated = answer.headers.get("Content-Length")
            expected = int(stated) if stated and stated.isdecimal() else None
            room = min(shutil.disk_usage(partial.parent).free, MOST_BYTES)
            got = 0
            while (expected or 0) <= room and (chunk := answer.read(CHUNK_BYTES)):
                got += len(chunk)
                if got > room:
                    break
                file.write(chunk)
    except HTTPError as error:
        raise Unreachable(_answer(error)) from error
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise Unreachable(_reason(error)) from error
    if max(got, expected or 0) > room:
        raise Unreachable(
            f"it has {expected or got:,} bytes or more, must have at most {room:,}:"
            f" {MOST_BYTES:,}, or what is free on the disk"
        )
    if expected is not None and got != expected:
        raise Unreachable(f"{got:,} bytes came of {expected:,}: the connection was cut")
    return redirects.linked


def _answer(error: HTTPError) -> str:
    if 300 <= error.code < 400 and "not allowed" in str(error.msg):
        return "the server leads to something that is no file on the web"
    if 300 <= error.code < 400:
        return "the server leads from one address to the next without end"
    meaning = {401: "it asks to log in", 403: "it may not be had", 404: "there is no such file"}
    kind = meaning.get(error.code, "the server failed" if error.code >= 500 else "it was refused")
    return f"the server answered {error.code}: {kind}"


def _reason(error: Exception) -> str:
    cause = error.reason if isinstance(error, URLError) else error
    if isinstance(cause, TimeoutError):
        return f"the server gave no answer for {WAIT_S:g} s"
    if isinstance(cause, ConnectionRefusedError):
        return "nothing answers at that host and port"
    if isinstance(cause, ssl.SSLError):
        return f"its certificate or encryption is not valid: {cause.reason}"
    if isinstance(cause, http.client.HTTPException | ValueError):
        return "the answer is not HTTP as it should be"
    return (getattr(cause, "strerror", None) or str(cause)).splitlines()[0]
