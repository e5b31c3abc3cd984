"""Studies under faults, one after another: each must end as one that was left alone."""

from __future__ import annotations

import random
import signal
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.chaos.faults import FAULTS, SILENCE_S, Fault, Nothing, Scene, Wrong
from benchmarks.chaos.session import Session
from study.cluster.failures.causes import iteration
from study.storage.run_dir import COSTS, Record, StudyDir

Records = dict[str, list[Record]]
FURTHER_S = 120.0  # for a study to come further than it was
MOMENT_S = 1.5  # a fault comes up to so long after a sign
IN_VAIN = 3  # ends of the command by itself, before the study's
END_S = 900.0  # for the last study to be run to its end
CLOCK = Path(__file__).with_name("clock")


class GivenUp(Exception):
    """A study that does not come to its end."""


@dataclass
class Told:
    """What became of one fault."""

    name: str
    began: float
    wrong: list[str] = field(default_factory=list)
    lost_s: float | None = None  # None: the study has ended meanwhile
    end_s: float | None = None  # until the command had ended


@dataclass(frozen=True)
class Place:
    """Where studies lie."""

    fresh: Callable[[], Path | str]
    folder: Path  # for all else
    ballast: Path | None = None  # may fill the disk of the studies
    look_s: float = 0.1  # between looks at how far a study is


class Course:
    """Faults, on one study after another."""

    def __init__(
        self,
        place: Place,
        options: Sequence[str],
        expected: Callable[[], Records],
        usual_s: float,
        seed: int,
        say: Callable[[str], None] = print,
    ) -> None:
        """
        Args:
            place: where.
            options: of the command.
            expected: the records of a study that was left alone.
            usual_s: seconds from one sign of a trial to the next in it.
            seed: of all choices.
            say: a line for each fault.
        """
        self.told: list[Told] = []
        self.wrong: list[str] = []  # of whole studies
        self.left_out: list[str] = []  # faults that found nothing to happen to
        self.ended: list[Path | str] = []  # studies
        self._place, self._options, self._expected = place, options, expected
        self._usual_s, self._say = usual_s, say
        self._rng = random.Random(seed)
        self._clock = place.folder / "clock"
        self._starts = 0
        self._fresh()

    def run(self, faults: Iterable[str]) -> None:
        """All of them; the last study is run to its end. No command is left, whatever happens."""
        try:
            self._run(faults)
        except GivenUp as why:
            self.wrong.append(str(why))
        finally:
            if self._session:
                self._session.send([*self._session.processes()], signal.SIGKILL)

    def _run(self, faults: Iterable[str]) -> None:
        for name in faults:
            fault = FAULTS[name]
            if fault.between:
                self._waiting.append(fault)
                continue
            while not self._happens(fault):
                self._closed()
        deadline, before = time.monotonic() + END_S, len(self.ended)
        while len(self.ended) == before and time.monotonic() < deadline:
            self._running().wait(END_S)
            self._closed()
        self.left_out += [fault.name for fault in self._waiting]

    def _fresh(self) -> None:
        """Another study."""
        self._where = self._place.fresh()
        self._session: Session | None = None
        self._passed = 0  # how far it was at the last fault
        self._vain = 0  # starts that ended by themselves before the study's end, in turn
        self._waiting: list[Fault] = [*getattr(self, "_waiting", [])]
        self._clock.write_text("0")

    def _happens(self, fault: Fault) -> bool:
        """The fault, and what follows; False: the command ended before."""
        session = self._running()
        if not self._comes_further(session):
            return False
        time.sleep(self._rng.uniform(0.0, MOMENT_S))
        if not session.runs:
            return False
        self._passed = self._progress()
        told = [Told(fault.name, time.monotonic())]
        try:
            fault.do(self._scene(session))
        except Nothing:
            if session.runs:
                self.left_out.append(fault.name)
            return session.runs
        except Wrong as wrong:
            told[0].wrong.append(str(wrong))
        if fault.ends:
            self._ends(fault, told[0], session)
            told += self._damaged(session)
            self._passed = self._progress()  # trials outlive a driver by a moment
        now = time.monotonic() if self._comes_further(self._running(), told) else None
        for one in told:
            one.lost_s = None if now is None else max(0.0, now - one.began - self._usual_s)
            self._tell(one)
        return True

    def _ends(self, fault: Fault, told: Told, session: Session) -> None:
        status = session.wait(fault.within_s)
        told.end_s = time.monotonic() - told.began
        if status is None:
            told.wrong.append(f"has not ended within {fault.within_s:.0f} s")
        elif session.is_done:  # a signal finds it on its way out, and may end it at once
            pass
        elif status not in (*fault.ends, 0):
            told.wrong.append(f"exit status {status}: {session.said()[-400:]}")
        elif status and fault.said not in session.said():
            told.wrong.append(f"does not say {fault.said!r}: {session.said()[-400:]}")
        told.wrong += self._left_by(session, killed=fault.ends[0] < 0)
        if status != 0:
            self._session = None

    def _damaged(self, session: Session) -> list[Told]:
        """While no command runs."""
        done = []
        for fault in [*self._waiting]:
            told = Told(fault.name, time.monotonic())
            try:
                fault.do(self._scene(session))
            except Nothing:
                continue
            self._waiting.remove(fault)
            done.append(told)
        return done

    def _left_by(self, session: Session, killed: bool = False) -> list[str]:
        """What is wrong after an end; of a driver that was `killed` Ray's helpers live on."""
        wrong = [f"said {words!r}: {session.said()[-900:]}" for words in session.dumps()]
        if left := session.left(lambda words: not (killed and "gent" in words)):
            wrong.append(f"left behind: {[words[:60] for words in left.values()]}")
        if holder := StudyDir(self._where).holder():
            wrong.append(f"lock: {holder}")
        return wrong

    def _comes_further(self, session: Session, told: Sequence[Told] = ()) -> bool:
        """Whether the study comes further than it was at the last fault, before it ends."""
        deadline = time.monotonic() + FURTHER_S
        while self._progress() <= self._passed:
            if not session.runs:
                return False
            if time.monotonic() > deadline:
                late = f"no further after {FURTHER_S:.0f} s: {session.said()[-400:]}"
                (told[0].wrong if told else self.wrong).append(late)
                session.send([*session.processes()], signal.SIGKILL)
                session.wait(5.0)
                return False
            time.sleep(self._place.look_s)
        return True

    def _progress(self) -> int:
        """How far all trials of the study are together."""
        trials = StudyDir(self._where).trials()
        return sum(len(trial.records()) + iteration(trial.events()) for trial in trials)

    def _closed(self) -> None:
        """The command has ended by itself: the study has, or it is started again."""
        session = self._running()
        status, wrong = session.wait(5.0), self._left_by(session)
        self._session = None
        store = StudyDir(self._where).store
        if status != 0:
            wrong.append(f"ended by itself with {status}: {session.said()[-600:]}")
        elif records(self._where) != self._expected():
            wrong.append("OTHER RECORDS than those of a study that was left alone")
        elif left := [*store.names(".tune*"), *store.names(".seen*")]:
            wrong.append(f"left in the run directory: {left}")
        for one in wrong:
            self._say(f"     {one}")
        self.wrong += wrong
        self._vain += 1
        if status == 0:
            self.ended.append(self._where)
            self._fresh()
        elif self._vain == IN_VAIN:
            raise GivenUp(f"{self._where}: the command has ended by itself {IN_VAIN} times")

    def _tell(self, told: Told) -> None:
        self.told.append(told)
        lost = "the study ended" if told.lost_s is None else f"{told.lost_s:.1f} s lost"
        end = "" if told.end_s is None else f", the command ended after {told.end_s:.1f} s"
        wrong = "".join(f"; {one}" for one in told.wrong)
        self._say(f"{len(self.told):4} {told.name}: {lost}{end}{wrong}")

    def _running(self) -> Session:
        if self._session is None:
            self._session = self._start()
        return self._session

    def _start(self) -> Session:
        self._starts += 1
        said = self._place.folder / f"said-{self._starts}"
        environment = {
            "PYTHONPATH": str(CLOCK),
            "CHAOS_CLOCK": str(self._clock),
            "STUDY_SILENCE_S": str(SILENCE_S),
        }
        return Session(self._where, self._options, said, environment)

    def _scene(self, session: Session) -> Scene:
        ballast = self._place.ballast
        study = StudyDir(self._where)
        return Scene(study, session, self._rng, self._clock, ballast, self._start)


def records(where: Path | str) -> Records:
    """Of all trials, without what a kill may change."""
    return {
        trial.id: [{k: v for k, v in row.items() if k not in COSTS} for row in trial.records()]
        for trial in StudyDir(where).trials()
    }
