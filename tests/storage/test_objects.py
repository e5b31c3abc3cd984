"""A run directory on an object store is what it would be in a folder, and errors are lines."""

from __future__ import annotations

import http.server
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path

import boto3
import pytest

from study.commands.common import usable
from study.storage import FolderStore, StoreError, opened
from study.storage.objects.address import file_system
from study.storage.objects.requests import Requests
from study.storage.run_dir import State, StudyDir, TrialDir
from study.storage.run_dir.checkpoint import HEAD
from study.sweep import main
from tests.objects import BUCKET, fresh, guarded, keys

ROOT = Path(__file__).parent.parent.parent
BIG = 24_000_000  # bytes: a few parts, each a request


def test_both_kinds_of_store_answer_alike(address: str):
    store = opened(address)
    assert (str(store), store.within("a", "b").name) == (address, "b")
    assert store.read("x") is None and not store.exists("x") and not store.is_there()
    store.write("x", b"1")
    store.write("x", b"22")
    store.append("log", b"one")
    store.append("log", b"two")
    for torn in (b"thr", b"one\nthr"):
        store.write("torn", torn)
        store.append("torn", b"two")
        assert store.read("torn") == torn[: torn.find(b"\n") + 1] + b"two\n"
    store.remove("torn")
    store.within("trials", "t").write("config.json", b"{}")
    store.write_soon("late.pt", b"333")
    assert store.read("late.pt") == b"333" and store.read("log") == b"one\ntwo\n"
    assert store.names("*") == ["late.pt", "log", "x"] or "trials" in store.names("*")
    assert store.names("trials/*/config.json") == ["trials/t/config.json"]
    assert {k: size for k, (_, size) in store.stamps("x", "t*/*/*").items()} == {
        "trials/t/config.json": 2,
        "x": 2,
    }
    store.copy("x", store.within("other"))
    store.copy("missing", store.within("other"))
    store.remove("x")
    store.remove("x")
    assert not store.exists("x") and store.within("other").names("*") == ["x"]
    before = store.snapshot(first=()).within("trials", "t").read("config.json")
    assert before == b"{}" and store.is_there()
    store.within("other").clear()
    assert not store.exists("other/x") and opened(store) is store


def test_what_has_come_since_a_snapshot_began_is_in_it_whole_or_not_at_all(
    server: str, monkeypatch: pytest.MonkeyPatch
):
    study = StudyDir(fresh())
    study.open({"question": {}, "budget": {}})
    begun, later = study.trial("a"), study.trial("b")
    begun.write_config({"run": {"trial_id": "a"}})
    begun.mark(State.RUNNING)
    listed = Requests.under

    def under(self: Requests, path: str) -> Mapping[str, object]:
        found = listed(self, path)
        monkeypatch.undo()  # after the first list a worker goes on, and another begins
        for trial in (begun, later):
            trial.write_config({"run": {"trial_id": trial.id}})
            trial.append({"leg": "tail-8-0.1"})
            trial.mark(State.FINISHED, records=1)
        study.complete()
        return found

    monkeypatch.setattr(Requests, "under", under)
    seen = study.snapshot()
    assert [trial.id for trial in seen.trials()] == ["a"]
    trial = seen.trial("a")
    assert len(trial.records()) >= trial.events()[-1].get("records", 0)
    assert "completed" in seen.manifest and trial.state is State.FINISHED


@pytest.mark.slow
def test_a_checkpoint_is_whole_before_anything_that_is_written_after_it(server: str):
    trial = TrialDir(address := fresh())
    trial.save("trunk", bytes(BIG))
    trial.mark(State.RUNNING)
    head = boto3.client("s3").head_object(
        Bucket=BUCKET, Key=f"{address.removeprefix(f's3://{BUCKET}/')}/trunk.pt"
    )
    assert head["ContentLength"] == BIG + HEAD
    assert trial.load("trunk") == bytes(BIG)


KILLED = """
import sys
from study.storage.run_dir import State, TrialDir
trial = TrialDir(sys.argv[1])
with trial.lock():
    trial.mark(State.RUNNING, iteration=1)
    trial.save("trunk", b"1")
    trial.mark(State.RUNNING, iteration=2)
    trial.save("trunk", b"2" * 200_000_000)
    print("on its way", flush=True)
    trial.mark(State.RUNNING, iteration=3)
"""


@pytest.mark.slow
def test_a_kill_during_an_upload_leaves_what_was_there_before(server: str):
    trial = TrialDir(fresh())
    command = [sys.executable, "-c", KILLED, str(trial.store)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout and process.stdout.readline() == "on its way\n"
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert trial.load("trunk") == b"1" and trial.events()[-1]["iteration"] == 2
    with trial.lock(wait_s=0):  # at once: its process has ended on this machine
        assert keys(str(trial.store)) >= {"trunk.pt", "events.jsonl"}


def test_an_upload_that_fails_is_an_error_that_names_the_object(server: str):
    client = boto3.client("s3")
    client.create_bucket(Bucket="doomed")
    trial = TrialDir("s3://doomed/t")
    client.delete_bucket(Bucket="doomed")
    trial.save("trunk", b"1")
    with pytest.raises(StoreError, match=r"s3://doomed/t/trunk.pt: there is no such bucket"):
        trial.mark(State.RUNNING)


def test_status_reads_from_the_store(server: str, capsys: pytest.CaptureFixture[str]):
    study = StudyDir(fresh())
    assert main(["--status", str(study.store)]) == 2
    assert f"run directory {study.store}: holds no study" in capsys.readouterr().err


def test_a_bucket_that_is_not_there_is_named(server: str, capsys: pytest.CaptureFixture[str]):
    for arguments in (["--status", "s3://missing/a"], ["--run-dir", "s3://missing/a"]):
        assert main(arguments) == 2
        said = f"error: {arguments[0]} = 's3://missing/a': there is no such bucket"
        assert capsys.readouterr().err.startswith(said)


def test_credentials_that_serve_for_nothing_are_said_to(
    server: str, monkeypatch: pytest.MonkeyPatch
):
    iam = boto3.client("iam")
    iam.create_user(UserName="somebody")
    known = iam.create_access_key(UserName="somebody")["AccessKey"]
    pairs = {
        "not known there": ("AKIA0000000000000000", "unknown"),
        "access denied": (known["AccessKeyId"], known["SecretAccessKey"]),
    }
    for said, (key, secret) in pairs.items():
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", key)
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", secret)
        file_system.cache_clear()
        with guarded(server), pytest.raises(ValueError, match=said):
            usable(fresh(), writing=True)
    file_system.cache_clear()


class Refusing(http.server.BaseHTTPRequestHandler):
    """What S3 says to whoever does not say who asks."""

    def do_PUT(self) -> None:
        body = b"<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>"
        self.send_response(403)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass


def test_no_credentials_are_said_to_be_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    with http.server.HTTPServer(("127.0.0.1", 0), Refusing) as refusing:
        threading.Thread(target=refusing.serve_forever, daemon=True).start()
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("HOME", str(tmp_path))
        monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        monkeypatch.setenv("AWS_REGION", "us-east-1")
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{refusing.server_port}")
        file_system.cache_clear()
        with pytest.raises(ValueError, match="no credentials: neither in the environment"):
            usable("s3://study/nobody", writing=True)
        refusing.shutdown()
    file_system.cache_clear()


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("s3://study/runs//mine", r"'' between two slashes is no folder .*; leave it out"),
        ("s3://study/runs/../mine", r"'\.\.' between two slashes is no folder"),
        ("s3://study/./mine", r"'\.' between two slashes is no folder"),
        ("s3:study/mine", r"write s3://study/mine, or \./s3:study/mine for a folder"),
    ],
)
def test_an_address_has_as_many_slashes_as_it_needs(
    address: str, said: str, server: str, capsys: pytest.CaptureFixture[str]
):
    for option in ("--status", "--run-dir"):
        assert main([option, address]) == 2
        shown = re.escape(f"error: {option} = '{address}': ")
        assert re.fullmatch(f"{shown}.*{said}.*\n", capsys.readouterr().err)
    assert opened("s3://study/runs/mine/").name == "mine" and opened("s3://study").name == "study"


def test_a_folder_needs_no_pyarrow(tmp_path: Path):
    assert isinstance(opened(f"file://{tmp_path}"), FolderStore)
    assert opened(f"file://{tmp_path}").folder == tmp_path
    for folder in ("runs/a", "/study/runs/a", "a:b/c", "./s3"):
        assert opened(Path(folder)).folder == Path(folder)
    code = "import sys, study.storage.run_dir as r; r.TrialDir('x').state; print(*sys.modules)"
    read = subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True)
    assert b"study.storage.run_dir" in read.stdout and b"pyarrow" not in read.stdout
