"""A study: its manifest, and the trials in it."""

from __future__ import annotations

import contextlib
from collections import defaultdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from study.config import arithmetic
from study.storage import Store, older, opened
from study.storage.run_dir import json_text
from study.storage.run_dir.json_text import Damaged
from study.storage.run_dir.manifest import REMEDY, require_configured, require_kinds
from study.storage.run_dir.trial_dir import TrialDir
from study.storage.store import folder_of

FORMAT = 2
"""Of what a study writes; 1 and none: before checksums. A version reads its own and older ones."""

STANDING_REMEDY = "the sweep writes it anew: run its command again, or remove the file"
CONFIGS = frozenset(("config.json", f"config.json{json_text.COPY}"))
LOCK_WAIT_S = 1.0  # for `StudyDir.holder`, which locks a folder for a moment


class DifferentQuestion(ValueError):
    """The run directory holds another study."""


class StudyDir:
    """A study's folder."""

    def __init__(self, where: Store | Path | str) -> None:
        self.store = opened(where)

    @property
    def path(self) -> Path:
        """The folder on the file system.

        Raises:
            ValueError: it is on an object store.
        """
        return folder_of(self.store)

    @property
    def exists(self) -> bool:
        return any(self.store.exists(f"study.json{end}") for end in ("", json_text.COPY))

    @property
    def manifest(self) -> dict[str, Any]:
        """The contents of study.json.

        Raises:
            ValueError: there is no study here, or one that a newer version has written.
            Damaged: the file and its copy cannot be read.
        """
        content = self._manifest()
        if content is None:
            raise ValueError(f"run directory {self.store}: holds no study (study.json is missing)")
        return content

    def _manifest(self) -> dict[str, Any] | None:
        file, remedy = self.store.at("study.json"), REMEDY
        content = json_text.read(self.store, "study.json", remedy)
        if content is None:
            return None
        version = content.pop("format", 1)
        if type(version) is int and version > FORMAT:
            raise ValueError(
                f"{file}: format = {version}: was written by a newer version of this program, and"
                f" this one reads formats up to {FORMAT}: update it, or choose another --run-dir"
            )
        if type(version) is not int or version < 1:
            raise Damaged(f"{file}: format = {version!r}: a whole number from 1 on; {remedy}")
        if not isinstance(content.get("question"), dict):
            raise Damaged(f"{file}: has no question; {remedy}")
        require_kinds(content, file)
        content = older.manifest(content)
        require_configured(content, file)
        return content

    def open(self, manifest: dict[str, Any], unsaid: dict[str, Any] | None = None) -> None:
        """Begin the study, or take it up again: same `question`, any other field may change.

        Raises:
            DifferentQuestion: see `require_same`.
        """
        self.require_same(manifest["question"], unsaid)
        self.rewrite(manifest)

    def rewrite(self, manifest: dict[str, Any]) -> None:
        """Write study.json, whatever is there."""
        json_text.write(self.store, "study.json", manifest | {"format": FORMAT})

    def require_same(self, question: dict[str, Any], unsaid: dict[str, Any] | None = None) -> None:
        """Refuse another question than that of the study which is here, if there is one.

        Longer lengths may follow those that it has, and sizes be added: it is then the same
        question, further on.

        `unsaid`: a value for each field of the question that an older version may not have
        written.

        Raises:
            DifferentQuestion: names each field in which the question differs.
        """
        before = self._manifest()
        if before is None:
            return
        there = flat(unsaid or {}) | flat(before["question"])
        here = flat(question)
        name = "fixed.arithmetic"
        if there.get(name) != here.get(name) and there and here:
            raise DifferentQuestion(
                f"run directory {self.store} holds a study of another version, which computes"
                f" otherwise: arithmetic {there.get(name)} there, {here.get(name)}"
                f" here. {arithmetic.REMEDY.format(run_dir=self.store)}."
            )
        lines = [
            f"  {key}: there {there.get(key)!r}, now {here.get(key)!r}"
            for key in sorted(there | here)
            if there.get(key) != here.get(key) and not _is_more(key, there, here)
        ]
        if lines:
            raise DifferentQuestion(
                f"run directory {self.store} holds a study with another question:\n"
                + "\n".join(lines)
                + "\nRepeat that question to resume it, or choose another --run-dir."
            )

    def complete(self) -> None:
        """Write down that nothing is left to do, until the study is opened again."""
        now = datetime.now(UTC).isoformat(timespec="seconds")
        self.rewrite(self.manifest | {"completed": now})

    def write_standing(self, standing: dict[str, Any]) -> None:
        """Write down how the study stands (`study.planning.standing`)."""
        self.store.write("standing.json", json_text.sealed(standing))

    def standing(self) -> dict[str, Any]:
        """What `write_standing` wrote last; empty if it has not been called.

        Raises:
            Damaged: it cannot be read.
        """
        return json_text.read(self.store, "standing.json", STANDING_REMEDY) or {}

    def trial(self, trial_id: str) -> TrialDir:
        return TrialDir(self.store.within("trials", trial_id), of_study=True)

    def trials(self) -> list[TrialDir]:
        """The trials with a configuration, by name.

        Raises:
            Damaged: of a trial that has records the configuration is lost.
        """
        files: defaultdict[str, set[str]] = defaultdict(set)
        for found in self.store.names("trials/*/*.json*"):
            _, name, file = found.split("/")
            files[name].add(file)
        for name, there in files.items():
            if "records.jsonl" in there and not there & CONFIGS:
                raise Damaged(
                    f"{self.store.at(f'trials/{name}')}: has records, and no config.json: bring"
                    " it back from a copy, or move the trial's folder away: the same command then"
                    " runs it anew"
                )
        return [self.trial(name) for name, there in files.items() if there & CONFIGS]

    def snapshot(self) -> StudyDir:
        """For reading all of it; from an object store at once, as it is now."""
        return StudyDir(self.store.snapshot(first=("study.json", "events.jsonl")))

    def lock(self) -> contextlib.AbstractContextManager[None]:
        """Hold the study: one driver at a time.

        Raises:
            Busy: another sweep runs in this directory.
        """
        return self.store.lock(LOCK_WAIT_S)

    def holder(self) -> str | None:
        """The process that runs a sweep here, and where; None: nobody."""
        return self.store.holder()


def _is_more(key: str, there: dict[str, Any], here: dict[str, Any]) -> bool:
    """Whether these are the same lengths and longer ones, or the same sizes and more."""
    before, now = there.get(key), here.get(key)
    if not before or not now:
        return False
    if key == "sizes":
        return set(before) <= set(now)
    if key == "nuisance.lengths" or key.startswith("nuisance.longer."):
        return now[: len(before)] == before
    return False


def flat(value: Any, prefix: str = "") -> dict[str, Any]:
    """The leaves of objects within objects, by their dotted names."""
    if not isinstance(value, dict):
        return {prefix: value}
    found: dict[str, Any] = {}
    for key, item in value.items():
        found |= flat(item, f"{prefix}.{key}" if prefix else str(key))
    return found
