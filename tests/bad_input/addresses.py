"""Weights at an address: one that is none, tells a secret, or whose server answers oddly."""

from __future__ import annotations

import atexit
import functools
import http.server
import pickle
import threading
from pathlib import Path
from urllib.parse import urlparse

from tests.bad_input.arms import arm
from tests.bad_input.case import Case
from tests.bad_input.weights import Writes


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
    """A sweep with weights at that address; `{server}` stands for one that is started for it."""

    def command(folder: Path) -> list[str]:
        given = address.format(server=server()) if "{server}" in address else address
        return arm(f"mine={given}")(folder)

    return Case(f"an address {name}", command, says, never)


CUT = ("cannot be downloaded", "give the path of a file")
SECRET = ("which the study would write down", "download the file, and give its path")
CASES = [
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
