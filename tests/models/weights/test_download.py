"""A file behind an address: once, whole, and what was published; nothing half-written is left."""

from __future__ import annotations

import email.message
import hashlib
import http.server
import threading
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from urllib.error import URLError

import pytest
import torch

from study.config.checks.addresses import hidden, require_address
from study.models.weights import download, files, torch_hub

asked: list[str] = []


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    return tmp_path / "hub" / "checkpoints"


@pytest.fixture
def content(tmp_path: Path) -> bytes:
    torch.save({"conv1.weight": torch.ones(2)}, tmp_path / "there.pth")
    return (tmp_path / "there.pth").read_bytes()


@pytest.fixture
def server(content: bytes) -> Iterator[str]:
    """Gives the file wherever it is asked; below /late it answers after the client has gone."""
    gone = threading.Event()

    class Answers(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            if self.path.startswith("/late"):
                gone.wait(5)
                return
            self.send_response(200)
            self.end_headers()  # without a length, as some servers do
            self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:
            pass

    asked.clear()
    listening = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    threading.Thread(target=listening.serve_forever, args=(0.05,), daemon=True).start()
    yield f"http://127.0.0.1:{listening.server_address[1]}"
    gone.set()
    listening.shutdown()
    listening.server_close()


def test_an_address_is_downloaded_once(server: str, cache: Path, content: bytes):
    first = download.fetched(f"{server}/checkpoint.pth", files.content)
    assert download.fetched(f"{server}/checkpoint.pth", files.content) == first
    other = download.fetched(f"{server}/other/checkpoint.pth", files.content)
    assert asked == ["/checkpoint.pth", "/other/checkpoint.pth"] and other != first
    assert first.read_bytes() == content
    assert sorted(cache.iterdir()) == sorted([first, other])


def test_a_stated_digest_is_checked_of_what_comes_and_of_the_copy(
    server: str, cache: Path, content: bytes
):
    digest = hashlib.sha256(content).hexdigest()
    url = f"{server}/checkpoint.pth#sha256={digest[:12]}"
    path = download.fetched(url, files.content)
    assert asked == ["/checkpoint.pth"]  # what follows # is ours
    path.write_bytes(content[:-1])
    with pytest.raises(ValueError, match=rf"the copy .* must begin with {digest[:12]}.*remove it"):
        download.fetched(url, files.content)
    path.unlink()
    with pytest.raises(ValueError, match=r"has SHA-256 [0-9a-f]+…, must begin with 0{64}"):
        download.fetched(f"{server}/checkpoint.pth#sha256={'0' * 64}", files.content)
    assert list(cache.iterdir()) == []


def test_a_server_that_hangs_is_left_after_a_time_that_is_told(
    server: str, cache: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(download, "WAIT_S", 0.2)
    start = time.monotonic()
    with pytest.raises(ValueError, match=r"no answer for 0\.2 s\); give the path of a file"):
        download.fetched(f"{server}/late/checkpoint.pth", files.content)
    assert time.monotonic() - start < 15  # the server would take longer
    assert list(cache.iterdir()) == []


def test_a_folder_that_cannot_be_written_is_told(
    server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "file"))
    with pytest.raises(ValueError, match=r"cannot be stored in .*set TORCH_HOME to a folder"):
        download.fetched(f"{server}/checkpoint.pth", files.content)


@pytest.mark.parametrize(
    ("url", "digest"),
    [
        ("https://download.pytorch.org/models/resnet50-0676ba61.pth", "0676ba61"),
        ("https://download.openmmlab.com/m/faster_20200130-047c8118.pth", "047c8118"),
        ("https://host/m/model-20200130.pth", None),  # a date
        ("https://host/m/a.pth#sha256=0123456789ab", "0123456789ab"),
    ],
)
def test_where_the_publisher_gives_a_digest_it_is_known(url: str, digest: str | None):
    assert download.digest_of(url) == digest


def test_a_copy_of_torchvisions_that_changed_is_refused(cache: Path):
    cache.mkdir(parents=True)
    torch.save({}, cache / "resnet50-0676ba61.pth")
    with pytest.raises(ValueError, match=r"must begin with 0676ba61: .*remove it"):
        torch_hub.content("ResNet50_Weights.IMAGENET1K_V1")


SECRETS = [
    "https://user:hunter2@host/x.pth",
    "https://hunter2@host/x.pth",
    "https://host/x.pth?token=hunter2",
    "https://host/x.pth?a=1&X-Amz-Signature=hunter2&b=2",
    "https://host/x.pth?sv=1&sig=hunter2",
    "s3://AKIA:hunter2@bucket/x?region=eu",
    "s3://bucket/x?secret_key=hunter2",
]


@pytest.mark.parametrize("url", SECRETS)
def test_secrets_in_addresses_are_hidden(url: str):
    assert "hunter2" not in hidden(f"error: arms: 'mine={url}': no such host, see {url}.")
    if url.startswith("https"):
        with pytest.raises(ValueError, match="which the study would write down") as error:
            require_address(url)
        assert "hunter2" not in str(error.value)


@pytest.mark.parametrize(
    "text",
    [
        "https://host/x.pth?download=true&version=2",
        "s3://bucket/x?region=eu&endpoint_override=http://127.0.0.1:9000",
        "optim.lr = 3, must be above 0; token=1 is no address",
        "write to somebody@example.org",
    ],
)
def test_what_is_no_secret_stays(text: str):
    assert hidden(text) == text


@pytest.mark.parametrize(
    ("asked", "led", "fine"),
    [("https", "http", False), ("https", "https", True), ("http", "https", True)],
)
def test_no_redirection_leads_from_https_to_what_anybody_can_change(
    asked: str, led: str, fine: bool
):
    request = urllib.request.Request(f"{asked}://host/a.pth")
    told = (None, 302, "Found", email.message.Message(), f"{led}://host/b.pth")
    if fine:
        led_to = download._Redirects().redirect_request(request, *told)
        assert led_to and led_to.full_url == told[-1]
        return
    with pytest.raises(URLError, match="from https to an address without encryption"):
        download._Redirects().redirect_request(request, *told)
