"""TensorBoard: Ray's callback, with the project's names, the step of a record and its time.

tensorboard --logdir RUN_DIR/logs
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

from ray.tune.logger import TBXLoggerCallback

from study.cluster.logs.logged import LoggedTrial, Points

FLUSH_S = 2  # what is logged is on the screen as soon
PARAMETERS = ("_hparams_/session_start_info", 0)  # as the writer calls them


class TensorBoard(TBXLoggerCallback):
    """Event files in the folder of each trial; a trial that goes on begins another one there.

    TensorBoard reads all files of a folder as one run.
    """

    place = ""  # in the run directory

    def __init__(self) -> None:
        super().__init__()
        self._writer = self._summary_writer_cls
        self._points: dict[LoggedTrial, Points] = {}

    def log_trial_start(self, trial: Any) -> None:
        self._points[trial] = points(trial.folder)
        # files are named by the second in which they begin: two must not have one name
        number = len(list(trial.folder.glob("*")))
        self._summary_writer_cls = partial(
            self._writer, filename_suffix=f".{number}", max_queue=1000
        )
        super().log_trial_start(trial)

    def log_trial_result(self, iteration: int, trial: Any, result: dict[str, Any]) -> None:
        metrics = dict(result)
        time = metrics.pop("timestamp")
        self._trial_result[trial] |= metrics
        for name, value in metrics.items():
            if (name, iteration) not in self._points[trial]:
                self._trial_writer[trial].add_scalar(name, value, iteration, time)

    def log_trial_end(self, trial: Any, failed: bool = False) -> None:
        super().log_trial_end(trial, failed)
        del self._points[trial]

    def _try_log_hparams(self, trial: Any, result: dict[str, Any]) -> None:
        if PARAMETERS not in self._points[trial]:
            super()._try_log_hparams(trial, result)


def points(folder: Path) -> Points:
    """What the event files of a folder hold."""
    return {
        (value.tag, event.step)
        for file in sorted(folder.glob("events.out.tfevents.*"))
        for event in events(file.read_bytes())
        for value in event.summary.value
    }


def events(content: bytes) -> Iterator[Any]:
    """The events of a file, without a last one that was torn by a kill.

    Each is its length, a checksum of that, itself, and a checksum (TensorFlow's TFRecord).
    """
    from tensorboardX.proto import event_pb2

    place, (before, after) = 0, (12, 4)
    while place + before <= len(content):
        (size,) = struct.unpack_from("<Q", content, place)
        begin, end = place + before, place + before + size
        if end + after > len(content):
            return
        yield event_pb2.Event.FromString(  # type: ignore[attr-defined]
            content[begin:end]
        )
        place = end + after
