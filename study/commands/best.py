"""`python -m study.train --best`: the detector that a study's answer prefers, to be used."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Literal

from rich.console import Console

from study.commands import words
from study.commands.common import Count, OwnData, RunDir, unset, usable
from study.commands.devices import require_device
from study.commands.options.train_config import weights_lacking
from study.config import DataConfig, RunConfig
from study.config.arithmetic import ARITHMETIC
from study.config.arms import Arm
from study.config.data import PATHS
from study.data.checks import check
from study.data.splits import Splits, open_splits
from study.planning.preferred import Preferred, preferred
from study.storage.run_dir import DifferentQuestion, StudyDir, TrialDir
from study.storage.run_dir.manifest import ASKED, require_fields
from study.trained import card, folder
from study.training.single_run import begin

ANSWER_S = 300  # that the analysis may take
TRAINED_ON = {
    "train+tune": "the training and the tuning split, all that is labelled but the report split",
    "all": "all that is labelled: the training, the tuning and the report split",
}


@dataclass(frozen=True, kw_only=True)
class Best:
    """Train the detector that a study's answer prefers, on all labelled images but the report
    split, and write it with a model card.
    """

    best: RunDir
    """The study's folder or address, as given to `python -m study.sweep --run-dir`."""
    out: Path
    """The detector's folder; the same command again goes on after a kill."""
    arm: Annotated[str | None, unset("NAME")] = None
    """Another arm of the study than the one with the highest AP."""
    size: Count = None
    """The setting that was chosen at this number of training images (default: the largest)."""
    all: bool = False
    """Train on the report split too: more images, and no score."""
    data: OwnData = field(default_factory=OwnData)
    seed: int | None = None
    """Of the run (default: the study's)."""
    workers: int = 1
    """Processes that train data-parallel, each on a GPU or CPU core of a Ray cluster."""
    device: Literal["auto", "cpu", "cuda"] = "auto"
    threads: int = 1
    """CPU threads of each worker."""


@dataclass(frozen=True)
class Begun:
    """A run that may go on, and what is to be told of it at its end."""

    run: RunConfig
    trial: TrialDir
    preferred: Preferred
    splits: Splits


def prepare(command: Best, console: Console) -> Begun:
    """Choose, check the data, and begin the run's folder or take it up again.

    Raises:
        ValueError: there is no such study or arm, the data are not there or not those of the
            study, or the folder holds another detector.
    """
    study = StudyDir(usable(command.best, writing=False)).snapshot()
    require_fields(study.manifest, study.store.at("study.json"), ASKED[:-1])  # without budget
    found = preferred(study, command.arm, command.size)
    candidate = found.candidate
    console.print(f"arm         {candidate.arm} ({found.why})")
    if not found.learnt:
        console.print(
            "look at     in the study this arm has not learnt more than a guess: expect little of"
            " the detector; train longer first (--max-length), or with more images"
        )
    own = candidate.run
    data = _data(command.data, own.data, study.manifest["question"].get("data") or {})
    run = replace(
        own,
        trial_id=command.out.resolve().name,
        draw=0,
        seed=own.seed if command.seed is None else command.seed,
        split="none" if command.all else "report",
        data=replace(data, train_on="all" if command.all else "train+tune"),
        arithmetic=ARITHMETIC,  # a run of its own, whichever version the study had
        keep_weights=True,
        keep_detections=not command.all,
        device=command.device,
        threads=command.threads,
    )
    if command.workers < 1 or run.optim.batch_size % command.workers:
        raise ValueError(
            f"workers = {command.workers}: must divide the batch of {run.optim.batch_size} images"
        )
    if command.workers == 1:  # several are of a Ray cluster
        require_device(command.device)
    if lacking := weights_lacking(run):
        raise ValueError(lacking)
    _require_weights(run, study)
    check(data)
    splits = open_splits(run.data)
    run = replace(run, size=len(splits.pool))
    console.print(f"data        {run.size:,} images: {TRAINED_ON[run.data.train_on]}")
    trial = TrialDir(usable(command.out / folder.RUN, writing=True))
    try:
        run = begin(run, trial)
    except DifferentQuestion as error:
        raise ValueError(
            f"out = {command.out}: holds the run of another detector (see"
            f" {folder.RUN}/config.json); repeat that command to resume it, or choose another"
            " --out"
        ) from error
    return Begun(run, trial, found, splits)


def finish(command: Best, begun: Begun, console: Console) -> None:
    """Write the detector of a run that has ended."""
    run, trial, splits = begun.run, begun.trial, begun.splits
    record = trial.records()[-1]
    name = f"weights-{record['leg']}.safetensors"
    if (weights := trial.store.read(name)) is None:  # which the run wrote before this record
        raise ValueError(
            f"{trial.store.at(name)}: is not there any more, and its run has ended; remove"
            f" {command.out / folder.RUN}, and the same command trains it again"
        )
    train = splits.train
    classes = folder.Classes(
        tuple(train.category_id.tolist()), tuple(train.category_name.tolist())
    )
    facts = card.Facts(
        classes=classes,
        scale=train.scale,
        study=str(command.best),
        why=begun.preferred.why,
        tuned_at=begun.preferred.candidate.size,
        trained_on=TRAINED_ON[run.data.train_on],
        images=run.size,
        reported_on=len(splits.images(run.split)[1]),
        scores=words.scores(record),
        answer=_answer(command.best, begun.preferred.candidate.size),
        seconds=record["device_seconds"],
    )
    folder.write(command.out, weights, run, classes, card.text(run, facts), train.scale)
    console.print(
        f"done: {command.out / folder.CARD}; python -m study.predict {command.out} PHOTOS"
    )


def _data(given: OwnData, recorded: DataConfig, digests: dict[str, str]) -> DataConfig:
    """Where the study's data lie, or where the command says; others are refused when opened."""
    found = recorded
    if given.given or given.root is not None:
        found = given.over(recorded, recorded.name)
        split = {name: getattr(recorded, name) for name in ("tune_size", "val_size", "skip_bad")}
        found = replace(found, **split, annotated_only=recorded.annotated_only)
    else:
        lost = [path for name in PATHS if (path := getattr(recorded.absolute(), name))]
        lost = [path for path in lost if not Path(path).exists()]
        if lost:
            raise ValueError(
                f"data = '{lost[0]}': the study's images were there, and are not now; say where"
                " they are with --data PATH"
            )
    return replace(found, digests=digests)


def _require_weights(run: RunConfig, study: StudyDir) -> None:
    """Raises ValueError where the arm's weights are another file than in the study."""
    there = study.manifest["question"]["arms"].get(run.arm)
    here = Arm(run.arm, run.init).identity
    if there != here:
        raise ValueError(
            f"arm {run.arm!r}: {run.init} is another file than the study had: {here} here, {there}"
            " there"
        )


def _answer(run_dir: Path | str, size: int) -> str:
    """The study's answer in words; empty if there is none.

    By another process: the analysis knows the study, and not the other way round.
    """
    command = [sys.executable, "-m", "analysis.report.sentence", str(run_dir), str(size)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=ANSWER_S)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
