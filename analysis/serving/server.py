"""A server for one page and the tables beside it: from memory, to this machine alone.

It opens no file, so nothing else of the disk can be asked for. A page that is served has a script
(`live.js`) which the written one has not.
"""

from __future__ import annotations

import hashlib
import re
import socket
import sys
import threading
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import resources
from ipaddress import ip_address
from socketserver import TCPServer
from typing import Any

from analysis.report.page import PAGE

LOCAL = "127.0.0.1"
PORTS = range(8765, 8785)  # tried one after the other where none is asked for; then any free one

_NAMES = {LOCAL, "localhost", "::1"}  # by which a browser on this machine calls it
_HOST = re.compile(r"^\[?(.*?)\]?(:\d+)?$")
_TYPES = {
    "html": "text/html; charset=utf-8",
    "csv": "text/csv; charset=utf-8",
    "parquet": "application/vnd.apache.parquet",
}
_SCRIPT = resources.files("analysis.serving").joinpath("live.js").read_bytes()
_DIGEST = b64encode(hashlib.sha256(_SCRIPT).digest()).decode()
_HEADERS = {
    "Cache-Control": "no-cache",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; img-src data:;"
    f" script-src 'sha256-{_DIGEST}'; connect-src 'self'; base-uri 'none'; form-action 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


@dataclass(frozen=True)
class Edition:
    """The page as it is now, and its tables: contents by name."""

    files: Mapping[str, bytes] = field(default_factory=dict)

    @cached_property
    def tag(self) -> str:
        """Another one for every other page, as HTTP's ETag."""
        return f'"{hashlib.sha256(self.files.get(PAGE, b"")).hexdigest()[:16]}"'

    def content(self, name: str) -> bytes | None:
        """What is sent for a name; None: there is no such file."""
        found = self.files.get(name)
        if found is None or name != PAGE:
            return found
        head, end, rest = found.rpartition(b"</body>")
        script = f"<script data-version='{self.tag}'>".encode() + _SCRIPT + b"</script>\n"
        return head + script + end + rest


class PageServer(ThreadingHTTPServer):
    """Serves `edition`, which may be replaced at any time, from a thread of its own."""

    daemon_threads = True

    def __init__(self, host: str = LOCAL, port: int | None = None) -> None:
        """Listens from now on; see `listening`."""
        self.edition = Edition()
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.host = host
        ports = [*PORTS, 0] if port is None else [port]
        for last, one in enumerate(ports, 1):
            try:
                super().__init__((host, one), _Handler)
                break
            except OSError:
                if last == len(ports):
                    raise
        bound = str(self.server_address[0])  # of whatever name the host is
        self.is_local = ip_address(bound.partition("%")[0]).is_loopback

    def server_bind(self) -> None:
        TCPServer.server_bind(self)  # HTTPServer's asks a name server for this machine's name

    @property
    def url(self) -> str:
        """Where a browser finds the page."""
        anywhere = {"0.0.0.0": socket.gethostname(), "::": socket.gethostname()}
        name = anywhere.get(self.host, self.host)
        return f"http://{f'[{name}]' if ':' in name else name}:{self.server_address[1]}/"

    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exception(), OSError):  # a browser that has gone
            super().handle_error(request, client_address)

    def __enter__(self) -> PageServer:
        threading.Thread(target=self.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: Any) -> None:
        self.shutdown()
        self.server_close()


def listening(host: str = LOCAL, port: int | None = None) -> PageServer:
    """A server that listens; as a context it answers too.

    Args:
        host: the address or name to listen at.
        port: None: the first free one of `PORTS`, or any; 0: any.

    Raises:
        ValueError: nothing can listen there; says why.
    """
    if port is not None and not 0 <= port <= 65535:
        raise ValueError(f"port = {port}: from 0 to 65535; 0 takes any free one")
    try:
        return PageServer(host, port)
    except socket.gaierror as error:
        raise ValueError(
            f"host = {host!r}: {error.strerror}; give an address of this machine, or leave it out"
        ) from error
    except OSError as error:
        which = f"host = {host!r}" if port is None else f"port = {port}"
        why = (error.strerror or str(error)).lower()
        raise ValueError(f"{which}: {why}; choose another, or leave it out") from error


class _Handler(BaseHTTPRequestHandler):
    server: PageServer  # type: ignore[assignment]
    timeout = 30  # seconds that a silent client keeps a thread
    server_version, sys_version = "study", ""

    def do_GET(self) -> None:
        self._reply(with_body=True)

    def do_HEAD(self) -> None:
        self._reply(with_body=False)

    def _reply(self, with_body: bool) -> None:
        edition, path = self.server.edition, self.path.partition("?")[0]
        name = PAGE if path == "/" else path.removeprefix("/")
        if not self._is_called_by_its_name():
            return self._send(HTTPStatus.FORBIDDEN, b"Ask for it by 127.0.0.1 or localhost.\n")
        content = edition.content(name)
        if content is None:
            return self._send(HTTPStatus.NOT_FOUND, b"There is no such file here.\n")
        headers = {"Content-Type": _TYPES[name.rpartition(".")[2]]}
        if name == PAGE:
            headers["ETag"] = edition.tag
            if self.headers.get("If-None-Match") == edition.tag:
                return self._send(HTTPStatus.NOT_MODIFIED, b"", headers)
        return self._send(HTTPStatus.OK, content, headers, with_body)

    def _is_called_by_its_name(self) -> bool:
        """Else a page of another site could read it, whose name leads to this machine."""
        named = _HOST.sub(r"\1", self.headers.get("Host", ""))
        return not self.server.is_local or named in _NAMES or named == self.server.host

    def _send(
        self,
        status: HTTPStatus,
        content: bytes,
        headers: Mapping[str, str] | None = None,
        with_body: bool = True,
    ) -> None:
        self.send_response(status)
        own = {"Content-Type": "text/plain; charset=utf-8"} | dict(headers or {})
        for key, value in (_HEADERS | own | {"Content-Length": str(len(content))}).items():
            self.send_header(key, value)
        self.end_headers()
        if with_body and self.command != "HEAD":
            self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:
        pass  # a line for each look of each browser
