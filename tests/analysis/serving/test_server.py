"""What is served, to whom, and where."""

from __future__ import annotations

import http.client
import socket
from collections.abc import Iterator

import pytest

from analysis.serving import server as serving
from analysis.serving.server import LOCAL, PORTS, Edition, PageServer, listening

FILES = {"index.html": b"<html><body>first</body></html>", "answer.csv": b"size\n64\n"}


@pytest.fixture(scope="module")
def one_for_all() -> Iterator[PageServer]:
    with listening(port=0) as found:
        yield found


@pytest.fixture
def server(one_for_all: PageServer) -> PageServer:
    one_for_all.edition = Edition(FILES)
    return one_for_all


def ask(
    server: PageServer, path: str, method: str = "GET", **headers: str
) -> tuple[int, bytes, http.client.HTTPMessage]:
    link = http.client.HTTPConnection(LOCAL, server.server_address[1], timeout=5)
    link.request(method, path, headers=headers)
    reply = link.getresponse()
    try:
        return reply.status, reply.read(), reply.headers
    finally:
        link.close()


def test_the_page_and_its_tables_are_served_to_this_machine(server: PageServer):
    assert server.socket.getsockname()[0] == LOCAL
    assert server.url == f"http://127.0.0.1:{server.server_address[1]}/"
    status, page, headers = ask(server, "/")
    assert (status, headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert page.startswith(b"<html><body>first<script data-version=")
    assert page.endswith(b"</script>\n</body></html>")
    assert ask(server, "/index.html?again")[1] == page
    assert ask(server, "/answer.csv")[1] == FILES["answer.csv"]
    assert ask(server, "/", "HEAD")[:2] == (200, b"")
    assert b"<script" not in FILES["index.html"]  # the file that is written has none


@pytest.mark.parametrize(
    "path",
    [
        "/answer.parquet",  # not made
        "/../study.json",
        "/..%2fstudy.json",
        "/%2e%2e/study.json",
        "//etc/passwd",
        "/etc/passwd",
        "/answer.csv/",
        "/server.py",
        "/[x",
    ],
)
def test_nothing_else_of_the_disk_is(server: PageServer, path: str):
    status, text, _ = ask(server, path)
    assert (status, text) == (404, b"There is no such file here.\n")


def test_the_version_changes_with_the_page_alone(server: PageServer):
    first = ask(server, "/", "HEAD")[2]["ETag"]
    assert ask(server, "/", "HEAD")[2]["ETag"] == first
    assert ask(server, "/", **{"If-None-Match": first})[:2] == (304, b"")
    server.edition = Edition(FILES | {"index.html": b"<html><body>second</body></html>"})
    second = ask(server, "/", "HEAD")[2]["ETag"]
    assert second != first
    status, page, _ = ask(server, "/", **{"If-None-Match": first})
    assert (status, b"second" in page, second.encode() in page) == (200, True, True)


def test_a_site_whose_name_leads_here_cannot_read_it(server: PageServer):
    port = server.server_address[1]
    for name in (f"localhost:{port}", f"127.0.0.1:{port}", "localhost", f"[::1]:{port}"):
        assert ask(server, "/", Host=name)[0] == 200
    for name in (f"evil.example:{port}", "evil.example", "[", ""):
        assert ask(server, "/", Host=name)[0] == 403
    assert ask(server, "/", "POST")[0] == 501


def test_so_is_it_by_whatever_name_it_listens_to_this_machine():
    name = "2130706433"  # 127.0.0.1 as one number
    with listening(name, 0) as found:
        found.edition = Edition(FILES)
        asked = [ask(found, "/", Host=host)[0] for host in (name, "localhost", "evil.example")]
    assert asked == [200, 200, 403]


def test_the_script_of_the_page_is_the_only_one_that_runs(server: PageServer):
    policy = ask(server, "/")[2]["Content-Security-Policy"]
    assert "default-src 'none'" in policy and "script-src 'sha256-" in policy


def test_a_port_in_use_is_passed_over_or_named():
    with listening(port=0) as first:
        taken = first.server_address[1]
        with pytest.raises(ValueError, match=f"port = {taken}: address already in use; choose"):
            listening(port=taken)
    with pytest.raises(ValueError, match="port = 70000: from 0 to 65535"):
        listening(port=70000)
    with pytest.raises(ValueError, match=r"host = 'no\.such\.host\.invalid': "):
        listening("no.such.host.invalid", 0)


def test_without_a_port_it_takes_the_first_that_is_free(monkeypatch: pytest.MonkeyPatch):
    assert PORTS[0] == 8765
    with socket.socket() as other, socket.socket() as another:
        for one in (other, another):
            one.bind((LOCAL, 0))
            one.listen()
        taken, free = other.getsockname()[1], another.getsockname()[1]
        monkeypatch.setattr(serving, "PORTS", (taken, free))
        with listening() as found:
            assert found.server_address[1] not in (taken, free)
        another.close()
        with listening() as found:
            assert found.server_address[1] == free
