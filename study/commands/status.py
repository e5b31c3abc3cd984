"""How a study stands, read off its run directory: for people, from any machine that sees it.

Needs neither Ray nor torch, nor the machine that runs the sweep, and does not disturb it.
"""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from study.commands import words
from study.commands.words import duration
from study.config import Budget
from study.planning.standing import note
from study.planning.standing.whole import Kept, lacking
from study.planning.trials.best import rank
from study.storage.run_dir import Record, State, StudyDir, TrialDir
from study.storage.run_dir.belonging import require_own
from study.storage.run_dir.manifest import ASKED, budget_of, require_fields
from study.storage.run_dir.sound import require_sound

COMPLETE, FAILED, INCOMPLETE = 0, 1, 3
"""Exit statuses: nothing left to do; not complete, and trials failed; not complete."""

LEFT = {"arm", "tuning", "confirming", "audits"}  # the other columns are numbers
ENDED = [state.value for state in State if state.is_final]
LOST = "without its records"  # that it is said to have written
ROLES = ("tune", "confirm", "audit")


@dataclass(frozen=True)
class TrialStanding:
    """One trial as it stands."""

    trial_id: str
    role: str
    index: int
    cell: tuple[str, int]  # arm and size
    optim: dict[str, float]
    word: str  # its state, and of one that began whether somebody works on it
    error: str  # the last line of what went wrong
    is_in_strip: bool  # beyond a range; such trials are not of the budget
    images: int
    device_seconds: float
    last: float  # sign of life, seconds since the epoch; 0: none yet
    tails: tuple[Record, ...]  # with a box AP


def trial_standing(trial: TrialDir, question: dict[str, Any], held: bool) -> TrialStanding:
    """Read a trial of a study that asks `question`; `held`: whether a driver holds the study.

    Raises:
        Damaged: it is of another study, or a file of it says what no study writes.
    """
    config, events, records = trial.config(), trial.events(), trial.records()
    require_own(trial, config, question)
    require_sound(trial, records, events, config)
    run, rows = config["run"], [*events, *records]
    return TrialStanding(
        trial_id=trial.id,
        role=config["role"],
        index=config["index"],
        cell=(run["arm"], run["size"]),
        optim=run["optim"],
        word=_word(trial, events, len(records), held),
        is_in_strip="strip" in config,
        error=(str(events[-1].get("error") or "").strip().splitlines() or [""])[-1]
        if events
        else "",
        images=max((row.get("images_spent") or 0 for row in rows), default=0),
        device_seconds=max((row.get("device_seconds") or 0.0 for row in rows), default=0.0),
        last=max((row.get("time") or 0.0 for row in rows), default=0.0),
        tails=tuple(r for r in records if r["length"] is not None and _finite(r["AP_box"])),
    )


def _word(trial: TrialDir, events: Sequence[dict[str, Any]], number: int, held: bool) -> str:
    if not events:
        return "waiting"
    state = State(events[-1]["state"])
    if state.is_final and number < written(events):
        return LOST
    if state is State.PREEMPTED:
        return "interrupted"
    if state is not State.RUNNING:
        return state.value
    if trial.holder():
        return "running"
    return "waiting" if held else "interrupted"  # set aside until others have come as far


def written(events: Sequence[dict[str, Any]]) -> int:
    """How many records an ended trial has written, at least: one, unless it diverged."""
    told = events[-1].get("records")
    if isinstance(told, int):
        return told
    return int(events[-1]["state"] != State.DIVERGED)


def _finite(score: float | None) -> bool:
    return score is not None and math.isfinite(score)


def report(study: StudyDir) -> tuple[list[str], int]:
    """What there is to say, by line, and the exit status.

    Raises:
        ValueError: there is no study in the folder, or a file of it says something else than a
            study writes.
    """
    manifest, holder = study.manifest, study.holder()
    require_fields(manifest, study.store.at("study.json"), ASKED)
    budget = budget_of(manifest, study.store.at("study.json"))
    question, held = manifest["question"], holder is not None
    trials = [trial_standing(trial, question, held) for trial in study.trials()]
    lines = [*_question(manifest), *_budget(budget, manifest["budget"].get("max_hours")), ""]
    head = ("arm", "images", "tuning", "confirming", "audits", "best box AP")
    names = (name.replace("_", " ") for name in searched(manifest))
    head = (*head, *names, "length", "images seen", "device time")
    lines += _columns([head, *_rows(manifest, budget, trials)])
    images, seconds = sum(t.images for t in trials), sum(t.device_seconds for t in trials)
    lines += ["", f"cost        {images:,} images, {duration(seconds)} of device time so far"]
    failed = [trial for trial in trials if trial.word == State.FAILED]
    lines += [f"failed      {trial.trial_id}: {trial.error}" for trial in failed]
    lines.append(_last(max((trial.last for trial in trials), default=0.0)))
    was_complete = "completed" in manifest and holder is None
    lacks = lacking(_cells(manifest), budget, [_kept(t, manifest) for t in trials])
    complete = was_complete and not lacks
    lines += _progress(study, trials, running=holder is not None)
    if holder:
        lines.append(f"now         {holder} holds the study: a sweep is under way")
    elif complete:
        lines.append(f"now         complete: python -m analysis {study.store}")
    else:
        command = " ".join(manifest.get("command", ()))
        if was_complete:
            lines.append(f"now         was complete, and is no more: {lacks.told}; to go on:")
        else:
            lines.append("now         not complete, and no sweep works on it; to go on:")
        lines.append(f"            {command or 'the same command again'}")
    return lines, COMPLETE if complete else FAILED if failed else INCOMPLETE


def _cells(manifest: dict[str, Any]) -> list[tuple[str, int]]:
    """Every arm and size."""
    question = manifest["question"]
    return [(arm, size) for size in question["sizes"] for arm in question["arms"]]


def _kept(trial: TrialStanding, manifest: dict[str, Any]) -> Kept:
    """A trial as it counts for whether its study is whole."""
    ranked = sorted(trial.tails, key=lambda r: rank(r["AP_box"], r["length"], 0))
    return Kept(
        role=trial.role,
        cell=trial.cell,
        index=trial.index,
        setting=tuple(trial.optim.get(name) for name in searched(manifest)),
        has_ended=trial.word in ENDED,
        is_in_strip=trial.is_in_strip,
        best=next(((r["AP_box"], r["length"]) for r in ranked), None),
    )


def _progress(study: StudyDir, trials: Sequence[TrialStanding], running: bool) -> Iterator[str]:
    """The words of the sweep's own lines, as it last noted them; none by an older version."""
    noted = note.read(study)
    if noted is None:
        return
    ended = sum(trial.word in ENDED for trial in trials)  # some since, perhaps
    stands = replace(noted.standing, ended=ended, total=max(ended, noted.standing.total))
    left = noted.left_at(time.time()) if running and ended < stands.total else None
    yield f"progress    {stands.told}{words.left(left)}"
    yield f"time        {duration(noted.seconds)} so far, all sessions together"


def searched(manifest: dict[str, Any]) -> list[str]:
    """The hyper-parameters that are searched."""
    return sorted(manifest["question"]["nuisance"]["ranges"])


def _question(manifest: dict[str, Any]) -> list[str]:
    asked = manifest["question"]
    sizes = ", ".join(f"{size:,}" for size in asked["sizes"])
    first, then = asked["search"]["first"], asked["search"]["then"]
    search = f"{first}, then {then}" if then else first
    search += f" (seed {asked['seed']})" if "seed" in asked else ""
    stopping = asked.get("stopping")
    rule = f"{stopping['rule']} by {stopping['by']}" if stopping else "none"
    return [
        f"study       {asked['space']}: {', '.join(asked['arms'])} at {sizes} images",
        f"search      {search}, {asked['schedule']} schedule, stopping: {rule}",
    ]


def _budget(budget: Budget, max_hours: float | None) -> list[str]:
    given = f"{budget.trials} tuning trials for each arm and size"
    best = f"the best {budget.finalists}"
    runs = f"{budget.confirm} fresh runs of {best}"
    if within := budget.within:
        runs = f"fresh runs of {best} until differences are known to ±{within:g} AP"
    crossed = f", {budget.cross} also with each other arm's" if budget.cross else ""
    hours = f"; for {max_hours:g} device-hours" if max_hours else ""
    return [f"budget      {given}, {runs}{crossed}{hours}"]


def _rows(
    manifest: dict[str, Any], budget: Budget, trials: Sequence[TrialStanding]
) -> Iterable[tuple[str, ...]]:
    names = searched(manifest)
    for cell in _cells(manifest):
        own = [trial for trial in trials if trial.cell == cell]
        counts = [Counter(t.word for t in own if t.role == role) for role in ROLES]
        # a range that turned out too narrow adds trials to those of the budget
        unborn = budget.trials - sum(t.role == "tune" and not t.is_in_strip for t in own)
        states = [_counted(count) for count in counts]
        states[0] = ", ".join(filter(None, (states[0], f"{unborn} to come" if unborn > 0 else "")))
        yield (
            *(
                cell[0],
                f"{cell[1]:,}",
                *states,
                *_best([t for t in own if t.role == "tune"], names),
            ),
            *(f"{sum(t.images for t in own):,}", duration(sum(t.device_seconds for t in own))),
        )


def _counted(words: Counter[str]) -> str:
    return ", ".join(f"{number} {word}" for word, number in sorted(words.items()))


def _best(tuning: Sequence[TrialStanding], names: Sequence[str]) -> list[str]:
    """The best result on the tuning images and its setting."""
    tails = [(record, trial) for trial in tuning for record in trial.tails]
    if not tails:
        return [""] * (2 + len(names))
    record, trial = min(tails, key=lambda at: rank(at[0]["AP_box"], at[0]["length"], at[1].index))
    values = (f"{trial.optim[name]:.3g}" for name in names)
    return [f"{record['AP_box']:.1f}", *values, f"{record['length']:,}"]


def _last(moment: float) -> str:
    if not moment:
        return "last sign   none yet"
    clock = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(moment))
    return f"last sign   {duration(max(0.0, time.time() - moment))} ago, at {clock}"


def _columns(rows: Sequence[Sequence[str]]) -> list[str]:
    """The rows as text, each column as wide as it must be; empty columns are left out."""
    used = [k for k, name in enumerate(rows[0]) if name == "arm" or any(r[k] for r in rows[1:])]
    wide = {k: max(len(row[k]) for row in rows) for k in used}
    return [
        "  ".join(
            row[k].ljust(wide[k]) if rows[0][k] in LEFT else row[k].rjust(wide[k]) for k in used
        ).rstrip()
        for row in rows
    ]
