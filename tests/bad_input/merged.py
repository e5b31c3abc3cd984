"""Run directories that hold what another study or run wrote: merged, restored by half, edited."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.bad_input.case import Case
from tests.bad_input.run_directories import COMMANDS, TRIAL, finished

Change = Callable[[dict[str, Any]], dict[str, Any]]
ASIDE = "sets it aside and computes again"
AWAY = "it is of another study; move its folder out of trials/"


def _record(change: Change, *says: str, name: str) -> list[Case]:
    """Without a checksum, as earlier versions wrote it: an edit that nothing else would show."""

    def make(folder: Path, command: str) -> list[str]:
        shutil.copytree(finished(), folder / "run")
        file = folder / "run" / TRIAL / "records.jsonl"
        *others, last = file.read_text().splitlines()
        found = {k: v for k, v in json.loads(last).items() if k != "check"}
        file.write_text("\n".join([*others, json.dumps(change(found))]) + "\n")
        return list(COMMANDS[command])

    return [
        Case(
            f"{command}: a record with {name}",
            lambda folder, command=command: make(folder, command),
            (f"run/{TRIAL}/records.jsonl: line 3: ", *says, ASIDE),
        )
        for command in COMMANDS
    ]


def _config(change: Change, *says: str, name: str) -> list[Case]:
    def make(folder: Path, command: str) -> list[str]:
        shutil.copytree(finished(), folder / "run")
        for end in ("", ".copy"):
            file = folder / "run" / TRIAL / f"config.json{end}"
            found = {k: v for k, v in json.loads(file.read_text()).items() if k != "check"}
            file.write_text(json.dumps(change(found)))
        return list(COMMANDS[command])

    return [
        Case(
            f"{command}: a trial with {name}",
            lambda folder, command=command: make(folder, command),
            (f"run/{TRIAL}/config.json: ", *says),
        )
        for command in COMMANDS
    ]


def _lost(folder: Path) -> list[str]:
    shutil.copytree(finished(), folder / "run")
    (folder / "run" / TRIAL / "records.jsonl").unlink()
    return list(COMMANDS["best"])


def _exchanged(folder: Path) -> list[str]:
    shutil.copytree(finished(), folder / "run")
    one, other = (
        folder / "run" / "trials" / name for name in ("pretext-24-t000", "scratch-24-t000")
    )
    content = (one / "records.jsonl").read_bytes()
    (one / "records.jsonl").write_bytes((other / "records.jsonl").read_bytes())
    (other / "records.jsonl").write_bytes(content)
    return list(COMMANDS["best"])


def _run(**changes: Any) -> Change:
    return lambda config: config | {"run": config["run"] | changes}


def _optim(**changes: Any) -> Change:
    return lambda config: _run(optim=config["run"]["optim"] | changes)(config)


CASES = [
    *_record(lambda r: r | {"lr": 0.5}, "lr = 0.5, and its trial's is", name="another rate"),
    *_record(lambda r: r | {"seed": 77}, "seed = 77, and its trial's is", name="another seed"),
    *_record(lambda r: r | {"arm": "pretext"}, "arm = 'pretext', and", name="another arm"),
    *_record(lambda r: r | {"split": "report"}, "split = 'report', and", name="another split"),
    *_record(lambda r: r | {"length": 300}, "leg = 'tail-", "length = 300", name="a length"),
    *_record(lambda r: r | {"factor": -1.0}, "factor = -1", name="another factor"),
    *_record(lambda r: r | {"length": None}, "length = null, and leg", name="no length"),
    *_record(lambda r: r | {"images_seen": 7}, "images_seen = 7: ", name="few images"),
    *_record(lambda r: r | {"AP_box": 1e9}, "an AP is from 0 to 100 points", name="a large AP"),
    *_record(lambda r: r | {"AP_box": "31"}, "AP_box = '31': is no number", name="an AP of text"),
    *_record(lambda r: r | {"length": 0}, "length = 0: must be", name="a length of nothing"),
    *_record(lambda r: r | {"time": 1e30}, "time = 1e+30: must be", name="a time out of reach"),
    *_record(
        lambda r: {k: v for k, v in r.items() if k != "AP_box"}, "has no AP_box", name="no AP"
    ),
    *_config(_optim(batch_size=64), "run.optim.batch_size = 64, and", AWAY, name="another batch"),
    *_config(
        _run(arm="other"), "arm = 'other', and the study has", AWAY, name="an arm of its own"
    ),
    *_config(_run(size=25), "size = 25, and the study has 24", AWAY, name="a size of its own"),
    *_config(
        lambda c: c | {"role": "bogus"}, "role = 'bogus', and the study has tune", name="a role"
    ),
    *_config(
        lambda c: {k: v for k, v in c.items() if k != "index"}, "has no index", name="no index"
    ),
    *_config(
        lambda c: c | {"index": "first"}, "index = 'first': must be a", name="an index of text"
    ),
    *_config(_run(arm=[]), "arm = []: must be text", name="an arm that is a list"),
    Case("best: lost records", _lost, (f"{TRIAL}/records.jsonl: has 0 records, and", ASIDE)),
    Case("best: exchanged records", _exchanged, ("records.jsonl: line 1: is of trial", ASIDE)),
]
