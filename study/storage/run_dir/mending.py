"""Damage to a run directory, mended by the command that works in it, under its lock.

What is damaged is set aside under another name, never deleted. What can be computed again is: a
trial goes on behind its last record before the damage, for runs are repeatable.
"""

from __future__ import annotations

import logging
from typing import Any

from study.storage import Store
from study.storage.run_dir import json_text
from study.storage.run_dir.belonging import require_own
from study.storage.run_dir.json_text import COPY, Damaged, free_name
from study.storage.run_dir.sound import (
    differs,
    place,
    require_all,
    require_events,
    run_of,
    wrong_event,
    wrong_record,
)
from study.storage.run_dir.study_dir import StudyDir
from study.storage.run_dir.trial_dir import REMEDY, STATES, State, TrialDir

log = logging.getLogger("study")


def mend(trial: TrialDir, warn: bool = True) -> list[str]:
    """Set a trial's damaged files aside, so that its command goes on; says what was done.

    The caller holds the trial's lock. A trial that has lost something has more to do from then on.

    Raises:
        Damaged: its configuration is lost.
    """
    config, done, lost = trial.config(), list[str](), False
    done += _from_copy(trial, "config.json")
    done += _events(trial)
    found = _records(trial, config)
    lost |= bool(found)
    done += found
    try:
        trial.init_report()
        done += _from_copy(trial, "init_report.json")
    except Damaged as error:
        done.append(_put_aside(trial.store, "init_report.json", str(error), "written anew"))
        trial.store.remove("init_report.json")
        trial.store.remove("init_report.json" + COPY)
        lost = True
    if lost:
        number = len(trial.records())
        trial.mark(State.PREEMPTED, error=done[-1], records=number)
    for line in done if warn else ():
        log.warning("%s", line)
    return done


def mend_all(study: StudyDir) -> list[str]:
    """The same for all of a study, whose lock the caller holds.

    Raises:
        Damaged: a trial is of another study, or its configuration is lost.
    """
    done = _study_file(study)
    if study.store.exists("standing.json") and not _is_whole(study.store, "standing.json"):
        done.append(_put_aside(study.store, "standing.json", "damaged", "written anew"))
        study.store.remove("standing.json")
    question = study.manifest["question"] if study.exists else {}
    for trial in study.trials():
        require_own(trial, trial.config(), question)
        if is_damaged(trial):
            with trial.lock():
                done += mend(trial, warn=False)
    return done


def is_damaged(trial: TrialDir) -> bool:
    """Whether `mend` has something to do.

    Raises:
        Damaged: the trial's configuration is lost.
    """
    config = trial.config()
    try:
        for name in ("config.json", "init_report.json"):
            if (content := trial.store.read(name)) is not None or name == "config.json":
                json_text.parsed(content or b"")
        trial.init_report()
        require_all(trial, trial.records(), trial.events(), config)
    except ValueError:
        return True
    return False


def _study_file(study: StudyDir) -> list[str]:
    if not study.exists or _is_whole(study.store, "study.json"):
        return []
    content = study.manifest  # of the copy
    line = _put_aside(study.store, "study.json", "damaged", "written again of its copy")
    study.rewrite(content)
    return [line]


def _from_copy(trial: TrialDir, name: str) -> list[str]:
    store = trial.store
    if _is_whole(store, name) or (copy := store.read(name + COPY)) is None:
        return []
    content = json_text.parsed(copy)
    line = _put_aside(store, name, "damaged", "written again of its copy")
    json_text.write(store, name, content)
    return [line]


def _is_whole(store: Store, name: str) -> bool:
    try:
        json_text.parsed(store.read(name) or b"")
    except ValueError:
        return False
    return True


def _events(trial: TrialDir) -> list[str]:
    """Each line stands for itself: those that are whole stay."""
    try:
        require_events(trial, trial.events())
    except Damaged as error:
        texts = json_text.whole(trial.store.read("events.jsonl"))
        good = [text for text in texts if text and _is_event(json_text.parsed(text))]
        return [_cut(trial, "events.jsonl", good, str(error))]
    return []


def _is_event(event: dict[str, Any]) -> bool:
    return event.get("state") in STATES and not wrong_event(event)


def _records(trial: TrialDir, config: dict[str, Any]) -> list[str]:
    """Those before the damage stay: what follows is computed again, in its order."""
    try:
        require_all(trial, trial.records(), trial.events(), config)
    except Damaged as error:
        run, good, first = run_of(config), list[bytes](), dict[str, tuple[int, dict[str, Any]]]()
        for text in json_text.whole(trial.store.read("records.jsonl")):
            record = json_text.parsed(text) if text else {}
            if text is None or wrong_record(record, run):
                break
            at, before = first.setdefault(place(record), (len(good), record))
            if before is not record and differs(before, record):  # nobody knows which is wrong
                del good[at:]
                break
            good.append(text)
        return [_cut(trial, "records.jsonl", good, str(error))]
    return []


def _cut(trial: TrialDir, name: str, good: list[bytes], why: str) -> str:
    said = _put_aside(trial.store, name, why, f"{len(good)} lines stay")
    trial.store.write(name, b"".join(text + b"\n" for text in good))
    return said


def _put_aside(store: Store, name: str, why: str, then: str) -> str:
    """Leave a copy of a damaged file, which is about to be replaced; says so in a line."""
    why = why.removesuffix(f"; {REMEDY}").removeprefix(f"{store.at(name)}: ")
    if (content := store.read(name)) is None:
        return f"{store.at(name)}: {why}; {then}"
    aside = free_name(store, name)
    store.write(aside, content)
    return f"{store.at(name)}: {why}; set aside as {aside}, {then}"
