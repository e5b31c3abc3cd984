"""What a run goes on from: its latest checkpoint that is whole and its own.

One that is damaged is set aside, the one before is used, or else the run starts again: what it
records is the same, for all that follows is a function of the iteration.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from study.config import RunConfig, digest, to_dict
from study.storage.run_dir import Damaged, State, TrialDir
from study.training.train_state import Saved, TrainState, read
from study.training.workers import World

log = logging.getLogger("study")


def identity(config: RunConfig) -> str:
    """The same for all runs that may go on from each other's trunk, an audit and its trial say."""
    return digest([config.arm, config.size, config.draw, config.seed, to_dict(config.optim)])


class Checkpoints:
    """The checkpoints of a trial, as its workers read them."""

    def __init__(
        self, config: RunConfig, trial: TrialDir, world: World, mark: Callable[..., Any]
    ) -> None:
        """`mark`: writes an event."""
        self.of = identity(config)
        self._trial, self._world, self._mark = trial, world, mark

    def restore(self, state: TrainState, name: str, fits: Callable[[Saved], bool]) -> bool:
        """Become the latest whole checkpoint of that name, if it fits; returns whether it did.

        The main worker chooses, so that all have the same.
        """
        file, saved = None, None
        if self._world.is_main:
            file, saved = self._latest(state, name)
            if saved is not None and not fits(saved):
                file = saved = None
        file = self._world.from_main(file)
        if file is None:
            return False
        if saved is None:
            state.restore(self._trial.checkpoint(file))
        else:
            state.become(saved)
        return True

    def _latest(self, state: TrainState, name: str) -> tuple[str | None, Saved | None]:
        for file in self._trial.checkpoints(name):
            try:
                return file, self._read(file, state)
            except Damaged as error:
                aside = self._trial.set_aside(file)
                self._mark(State.RUNNING, set_aside=aside, why=str(error))
                log.warning("%s; set aside as %s, the one before it is used", error, aside)
        return None, None

    def _read(self, file: str, state: TrainState) -> Saved:
        content, at = self._trial.checkpoint(file), self._trial.store.at(file)
        try:
            saved = read(content, next(state.detector.parameters()).device)
        except ValueError as error:
            raise Damaged(f"{at}: damaged: {error}") from error
        if saved.get("of", "") not in ("", self.of):
            raise Damaged(f"{at}: is of another trial")
        own = {key: tensor.shape for key, tensor in state.detector.state_dict().items()}
        if own != {key: tensor.shape for key, tensor in saved["detector"].items()}:
            raise Damaged(f"{at}: is of another model")
        return saved
