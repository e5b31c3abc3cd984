"""The training loop: a generator of records that knows no Ray.

It trains to the next evaluation, saves, yields, and may be closed or killed at any point: the next
`run` of the same configuration in the same folder goes on and ends with the same weights and
records, bit for bit on a CPU. Alone it is a local run; a Tune trial's step is `next`; in a worker
group every rank iterates over the same records.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Generator, Sequence

import safetensors.torch
import torch
from torch import nn
from torch.nn.parallel import DistributedDataParallel

from study.config import RunConfig, arithmetic, schedule
from study.config.schedule import Leg
from study.data.batches.decoded import decode
from study.data.batches.loader import TrainingData
from study.data.batches.prefetch import Prefetched
from study.data.splits import Splits, open_splits
from study.models import initialisation
from study.models.detector import Detector
from study.models.weights.whole import own
from study.randomness import Stream, seed
from study.storage import detection_files
from study.storage.record import record as made
from study.storage.run_dir import Record, State, TrialDir
from study.storage.run_dir.mending import mend
from study.training import allocator, memory
from study.training.cost_meter import Meter
from study.training.evaluation import metrics
from study.training.evaluation.augmentation import sides
from study.training.evaluation.detections import Detection
from study.training.evaluation.scores import Scores, score
from study.training.gradients import Diverged, Gradients
from study.training.resuming import Checkpoints
from study.training.train_state import TrainState, optimiser
from study.training.workers import World


def run(config: RunConfig, trial: TrialDir) -> Generator[Record, None, None]:
    """Train and evaluate every length of the schedule that has no record yet; yield the records.

    Each record is appended to the trial before it is yielded; the last one has `done` set.

    Raises:
        Diverged: after the trial was marked so.
        ValueError: arithmetic, data, weights or number of workers do not suit the configuration.
    """
    arithmetic.require(config.arithmetic)
    world = World.current()
    with trial.lock() if world.is_main else contextlib.nullcontext():
        if world.is_main:
            mend(trial)
        session = Session(config, trial, world)
        recorded = world.from_main({(r["leg"], r["weights"]) for r in trial.records()})
        legs = schedule.remaining(config.schedule, recorded)
        for leg in legs:
            session.enter(leg, legs)
            try:
                session.train(leg)
            except Diverged as outcome:
                session.end(State.DIVERGED, iteration=outcome.iteration, error=str(outcome))
                raise
            for weights in leg.evaluated:
                last = leg is legs[-1] and weights == leg.evaluated[-1]
                yield session.evaluate(leg, weights, done=last)
        session.end(State.FINISHED, iteration=session.state.iteration)


class Session:
    """One process's work on a trial, from its last checkpoint on.

    With `only` these iterations will be all, and no images but theirs are stored.
    """

    def __init__(
        self, config: RunConfig, trial: TrialDir, world: World, only: range | None = None
    ) -> None:
        self.config, self.trial, self.world = config, trial, world
        self.slots = world.slots(config.optim.batch_size)
        self.device = _device(config)
        metrics.chosen(config.evaluation.metric)  # an unknown one is refused before all work
        self.splits = open_splits(config.data)
        train = self.splits.train
        subset = self.splits.subset(config.size, config.draw)
        # weights that do not fit are refused before any image is decoded: of COCO's, for an hour
        self.classes = [str(name) for name in train.category_name]
        detector, report = initialisation.build(config, len(self.classes), self.classes)
        data = TrainingData(train, subset, config.model)
        batches = config.seed, config.optim.batch_size
        if only is None:
            data.store()
            for size in sides(config.model, config.evaluation):
                decode(*self.splits.images(config.split), size)  # not at the first evaluation
        else:
            data.store_shown(only, *batches)
        self.batches = Prefetched(data, *batches, self.slots, self.device)
        detector = placed(detector, config, self.device).train()
        self.state = TrainState(detector, optimiser(detector, config.optim))
        self.model: nn.Module = detector
        if world.size > 1:
            self.model = DistributedDataParallel(
                detector,
                broadcast_buffers=False,  # equal on all workers at every step: see SyncBatchNorm
                find_unused_parameters=config.schedule.cascade_last is not None,  # till it joins
            )
        at_once = memory.images_at_once(detector, config, len(self.slots))
        self.gradients = Gradients(self.model, world, at_once)
        self.averages = bool(config.schedule.watch) and "average" in config.schedule.watched
        self.meter = Meter(trial, world.size)
        self.number = len(trial.records())
        self.checkpoints = Checkpoints(config, trial, world, self.mark)
        if world.is_main:
            trial.write_init_report(report)
        self.mark(State.RUNNING, device=_device_name(self.device), workers=world.size)

    def enter(self, leg: Leg, remaining: Sequence[Leg]) -> None:
        """Be at the leg's start, or where a killed session left it: resuming is returning.

        A leg of the trunk that a former session has walked is left as it is.
        """
        back = self.checkpoints.restore
        in_tail = leg.is_tail and back(self.state, "tail", lambda saved: saved["leg"] == leg.name)
        if not in_tail and self.state.trunk != leg.trunk:
            on_trunk = back(self.state, "trunk", lambda saved: saved["trunk"] == leg.trunk)
            if not on_trunk and self.state.iteration:
                self.restart()  # another separate run
        walked = self.state.iteration > leg.stop
        if walked and any(one.needs(leg) for one in remaining):
            self.restart()  # the checkpoint lies beyond something that is wanted after all
            walked = False
        if not walked:
            self.state.enter(leg)
        self.meter.begin_leg()

    def restart(self) -> None:
        """Be at the very beginning again."""
        detector, _ = initialisation.build(self.config, len(self.classes), self.classes)
        detector.to(self.device, getattr(torch, self.config.precision))
        fresh = TrainState(detector, optimiser(detector, self.config.optim))
        self.state.restore(fresh.to_bytes())

    def train(self, leg: Leg) -> None:
        """Take the leg's remaining steps; save now and then, and at its end."""
        for iteration in range(self.state.iteration, leg.stop):
            self.step(leg, iteration)
            done = iteration + 1
            if done == leg.stop or done % self.config.checkpoint_every == 0:
                self.save("tail" if leg.is_tail else "trunk", leg)

    def step(self, leg: Leg, iteration: int) -> None:
        """One iteration: batch, losses, mean over all workers, gradient, update."""
        optim = self.config.optim
        batch = self.batches.at(iteration)
        seeds = samplers(self.config.seed, iteration, self.slots)
        self.state.detector.every_stage = schedule.cascades(self.config.schedule, iteration)
        self.state.optimiser.zero_grad()
        losses = self.gradients.add(batch, seeds, iteration)
        for group in self.state.optimiser.param_groups:
            group["lr"] = schedule.lr(optim.lr, self.config.schedule, leg, iteration)
        if optim.clip_norm is not None:
            nn.utils.clip_grad_norm_(self.state.detector.parameters(), optim.clip_norm)
        self.state.optimiser.step()
        self.state.iteration = iteration + 1
        self.state.add_losses(losses)
        if self.averages and not leg.is_tail:
            self.state.add_to_average(schedule.averaging(self.config.schedule, iteration))
        self.meter.count(optim.batch_size)

    def evaluate(self, leg: Leg, weights: str, done: bool) -> Record:
        """The record of a finished leg: appended to the trial, then returned on every worker."""
        assert self.state.iteration == leg.stop, (leg, self.state.iteration)
        began, trained = time.monotonic(), leg.stop - 1
        self.state.detector.every_stage = schedule.cascades(self.config.schedule, trained)
        with self.state.averaged() if weights == "average" else contextlib.nullcontext():
            scores, detections = self.score(self.splits)
        config = self.config
        record = made(
            config,
            leg,
            weights,
            scores=scores,
            losses=self.state.mean_losses(),
            eval_seconds=round(time.monotonic() - began, 3),
            costs=self.meter.costs(),
            time=time.time(),
            done=done,
        )
        record = self.world.from_main(record)
        if self.world.is_main:
            if config.keep_weights and leg.is_tail:
                told = own.metadata(config.model, self.classes)
                content = safetensors.torch.save(self.state.weights(), told)
                self.trial.write_weights(leg.name, content)
            if config.keep_detections and leg.is_tail:
                detection_files.write_detections(
                    detection_files.detections_file(self.trial, leg.name), detections
                )
            self.trial.append(record)
            self.trial.remove("tail")
        self.number += 1
        return record

    def score(self, splits: Splits) -> tuple[Scores, list[Detection]]:
        """AP and the like on the configured split, and of what; every worker does its share.

        Nothing, where there is none to evaluate on.
        """
        if self.config.split == "none":
            return {}, []
        index, ids = splits.images(self.config.split)
        return score(self.state.detector, index, ids, self.config, self.world)

    def save(self, name: str, leg: Leg) -> None:
        # the cost first: whatever a kill loses after it has been paid for
        self.mark(State.RUNNING, iteration=self.state.iteration, leg=leg.name)
        if self.world.is_main:
            self.trial.save(name, self.state.to_bytes(self.checkpoints.of))

    def end(self, state: State, **fields: object) -> None:
        """Write what became of the run. No checkpoint is of use now, or the trunk's alone."""
        if self.world.is_main:
            if state is not State.FINISHED or not self.config.keep_trunk:
                self.trial.remove("trunk")
            self.trial.remove("tail")
        self.mark(state, **fields)

    def mark(self, state: State, **fields: object) -> None:
        if self.world.is_main:
            self.trial.mark(state, **fields, **self.meter.costs(), records=self.number)


def samplers(own: int, iteration: int, slots: range) -> list[tuple[int, int]]:
    """The seeds of the RPN's and the heads' samplers for each of the slots, whoever has them."""
    return [
        (seed(Stream.RPN, own, iteration, slot), seed(Stream.ROI, own, iteration, slot))
        for slot in slots
    ]


def _device(config: RunConfig) -> torch.device:
    """The run's device; sets what makes this process's arithmetic repeatable."""
    name = config.device
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    torch.set_num_threads(config.threads)
    allocator.keep_memory()
    torch.backends.cudnn.benchmark = False
    # On CUDA this switch would replace torchvision's kernels by far slower ones.
    # The mode `use_deterministic_algorithms` sets, which would import the compiler to tell it too.
    torch.set_deterministic_debug_mode("error" if name == "cpu" else "default")
    # Filling fresh memory, which determinism turns on, costs time and guards nothing here.
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    # TF32 keeps 10 bits of a product's 23: a choice that is recorded, or not made
    torch.backends.cuda.matmul.allow_tf32 = config.compute != "float32"
    torch.backends.cudnn.allow_tf32 = config.compute != "float32"
    return torch.device(name)


def placed(detector: Detector, config: RunConfig, device: torch.device) -> Detector:
    """The detector where and in what the run computes."""
    detector.to(device, getattr(torch, config.precision))
    if config.compute == "bfloat16":
        detector.autocast = torch.bfloat16
        detector.to(memory_format=detector.layout)  # type: ignore[call-overload]
    return detector


def _device_name(device: torch.device) -> str:
    return torch.cuda.get_device_name(device) if device.type == "cuda" else "cpu"
