"""One run as a Ray Train group, without Tune: on the cluster that runs, or one of our own."""

from __future__ import annotations

from collections.abc import Generator

from study.cluster.failures.interruption import interruptible
from study.cluster.failures.processes import kill_holder
from study.cluster.group import Group, WorkerDied
from study.cluster.ray_session import cluster, quiet
from study.cluster.room import Room, device_for
from study.cluster.shared_folder import require_shared
from study.config import RunConfig
from study.config.terminal import Terminal
from study.storage.run_dir import Record, State, TrialDir


def run(config: RunConfig, trial: TrialDir, workers: int) -> Generator[Record, None, None]:
    """Train with so many workers; yield the records that the folder did not have yet.

    What `study.training.engine.run` yields for the same configuration, to rounding. A run that
    diverged, or lost a worker's process, ends without a last record, and its state says so: the
    second is PREEMPTED, and the next call goes on from the last checkpoint.

    Args:
        config: as it stands in the trial's folder.
        trial: the run's folder, which all nodes see under the same name.
        workers: processes, each on a GPU or a CPU core.

    Raises:
        ValueError: no cluster answers at RAY_ADDRESS, one of its nodes does not see the folder, or
            this machine has too few cores or GPUs.
        KeyboardInterrupt: after Ctrl-C or SIGTERM.
    """
    hidden = trial.store.absolute().within(".tune")
    hidden.clear()

    def dying() -> None:
        """With Ray: its workers first, so that none of them writes another event."""
        kill_holder(trial.holder())
        trial.mark(State.PREEMPTED, error="Ray ended")
        hidden.clear()

    try:
        with interruptible() as asked, cluster(workers, asked, dying) as own:
            device = device_for(config.device)
            room = Room(workers, device, own=own)  # refuses what does not fit
            if not own:
                require_shared(trial.store, room.place(), Terminal())
            quiet()
            group = Group(trial, workers, device, hidden)
            # an exception on the way leaves the group to the end of the cluster's job: to close
            # it would be to wait for its next record
            while (record := group.take()) is not None:
                yield record
                if record["done"]:
                    break
    except WorkerDied as error:
        trial.mark(State.PREEMPTED, error=str(error))
    finally:
        hidden.clear()
