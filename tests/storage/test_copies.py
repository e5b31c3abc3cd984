"""A study that was copied from a bucket or to one while it ran is held by nobody."""

from __future__ import annotations

import json
from pathlib import Path

import boto3

from study.storage import opened
from study.storage.run_dir import State, StudyDir
from tests.objects import BUCKET, fresh, keys


def test_leases_that_came_along_from_a_bucket_hold_no_folder(server: str, tmp_path: Path):
    there = StudyDir(fresh())
    there.open({"question": {}})
    there.trial("a").write_config({"run": {"trial_id": "a"}})
    with there.lock(), there.trial("a").lock():
        for name in keys(str(there.store)):  # as `aws s3 sync` would
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_bytes(there.store.read(name) or b"")
    here = StudyDir(tmp_path)
    assert (tmp_path / ".lock").is_dir() and here.holder() is None
    assert here.trial("a").holder() is None
    with here.lock(), here.trial("a").lock():
        here.trial("a").mark(State.RUNNING)
        assert (here.holder() or "").startswith("process ")
    assert here.holder() is None


def test_locks_that_came_along_from_a_folder_hold_no_bucket(server: str):
    address = fresh()
    prefix = address.removeprefix(f"s3://{BUCKET}/")
    for name, content in (("study.json", json.dumps({"question": {}})), (".lock", "7 on far")):
        boto3.client("s3").put_object(Bucket=BUCKET, Key=f"{prefix}/{name}", Body=content)
    study = StudyDir(opened(address))
    assert study.holder() is None
    with study.lock():
        assert (study.holder() or "").startswith("process ")
    assert study.holder() is None and keys(address) == {"study.json", ".lock"}
