"""What a study will cost, before anything is spent."""

from __future__ import annotations

from dataclasses import dataclass, replace

from study.config import ScheduleConfig
from study.config.schedule import independent_iterations, iterations
from study.planning.design import Settings

SIDES = 4  # at most so many ends of ranges may be extended at once: of rate and decay, both ways


@dataclass(frozen=True)
class Bill:
    """Trials and iterations of the whole study, all arms and sizes, confirm runs included.

    `expected` assumes that no range is extended, that the confirmed lengths are, on average, the
    mean of the ladder, and that no arm chooses another's setting by itself; `most` that all ranges
    are extended, that nothing stops, because all values are equal, and that the longest wins.
    """

    cells: int
    tuning_trials: int
    confirm_runs: int
    cross_runs: int
    batch_size: int  # images per iteration
    expected: int
    most: int
    independent: int  # the tuned points, every length and factor run by itself, and confirmed

    def images(self, iterations: float) -> float:
        return iterations * self.batch_size

    def lines(self) -> list[str]:
        """For people: what will be run."""
        crossed = f", {self.cross_runs} of them cross-tuned" if self.cross_runs else ""
        return [
            f"trials      {self.tuning_trials} for tuning"
            f" ({self.tuning_trials // self.cells} for each of {self.cells} arms × sizes)"
            f" + {self.confirm_runs} to confirm{crossed}",
            f"iterations  {self.expected:,} expected, {self.most:,} at most"
            f" ({self.independent:,} if every length were run by itself)",
            f"images      {self.images(self.expected):,.0f} expected,"
            f" {self.images(self.most):,.0f} at most",
        ]

    def time(self, speed: float, how: str, devices: int = 0) -> list[str]:
        """For people: how long that takes.

        Args:
            speed: training images per second of one device.
            how: that is known: measured where, or assumed.
            devices: that train at once; 0 if that is not known.
        """
        expected, most = (self.images(n) / speed for n in (self.expected, self.most))
        hours = f"{expected / 3600:,.1f} device-hours expected, {most / 3600:,.1f} at most"
        rows = [f"devices     {hours}, and evaluation: {speed:.1f} images/s a device, {how}"]
        if devices:
            rows.append(
                f"time        {duration(expected / devices)} expected,"
                f" {duration(most / devices)} at most, {devices} devices at once"
            )
        return rows


def bill(settings: Settings) -> Bill:
    """The bill for the study from its beginning."""
    expected, most, separate = 0.0, 0.0, 0.0
    budget, runs = settings.budget, settings.confirm_runs
    for cell in settings.cells:
        schedule, trials = settings.schedule_at(cell.size), budget.trials
        lengths = schedule.lengths
        expected += trials * expected_iterations(settings, cell.size)
        expected += runs * sum(lengths) / len(lengths)
        extended = trials + budget.extend * SIDES * budget.extra
        most += extended * dearest(settings, cell.size) + runs * lengths[-1]
        separate += trials * independent_iterations(schedule) + runs * lengths[-1]
    cells = len(settings.cells)
    return Bill(
        cells=cells,
        tuning_trials=cells * budget.trials,
        confirm_runs=cells * runs,
        cross_runs=cells * (len(settings.arms) - 1) * budget.crossed,
        batch_size=settings.space.fixed.optim.batch_size,
        expected=round(expected),
        most=round(most),
        independent=round(separate),
    )


def expected_iterations(settings: Settings, size: int) -> float:
    """Of one tuning trial at that size, on average over its cell, its share of audits included."""
    schedule, rungs = settings.schedule_at(size), settings.rungs_at(size)
    trials, audit = settings.budget.trials, settings.budget.audit
    spent = 0.0
    for bracket in rungs.brackets(trials) if rungs else [range(trials)]:
        going = len(bracket)
        for length, kept in sorted(rungs.places(going).items()) if rungs else []:
            ended = max(0, going - kept)
            walked, rest = iterations(schedule.up_to(length)), _rest(schedule, length)
            spent += ended * (walked + audit * rest)
            going -= ended
        spent += going * iterations(schedule)
    return spent / trials


def dearest(settings: Settings, size: int) -> int:
    """Iterations of the tuning trial that costs most: it may be a stopped and audited one."""
    schedule, rungs = settings.schedule_at(size), settings.rungs_at(size)
    whole = [iterations(schedule)]
    if rungs and settings.budget.audit:
        whole += [
            iterations(schedule.up_to(length)) + _rest(schedule, length)
            for length in rungs.places(settings.budget.trials)
        ]
    return max(whole)


def affordable(settings: Settings, images: float) -> Settings:
    """The settings with as many trials for each arm and size as so many images pay for.

    Raises:
        ValueError: they do not pay for one; says what that costs.
    """

    def costs(trials: int) -> tuple[Settings, float]:
        asked = replace(settings, budget=replace(settings.budget, trials=trials))
        cost = bill(asked)
        return asked, cost.images(cost.expected)

    found, least = costs(1)
    if least > images:
        raise ValueError(
            f"budget of {images:,.0f} images: one trial for each arm and size, with its"
            f" confirmation, is expected to need {least:,.0f}; give more, or ask for less"
        )
    low, high = 1, 2
    while costs(high)[1] <= images:
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if costs(middle)[1] <= images else (low, middle)
    found, _ = costs(low)
    return found


def duration(seconds: float) -> str:
    """A time for people: 45 s, 7 min, 3.4 h, 12 days."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 90 * 60:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h" if seconds < 72 * 3600 else f"{seconds / 86400:.0f} days"


def _rest(schedule: ScheduleConfig, length: int) -> int:
    """Iterations that an audit adds to a trial stopped there."""
    longer = tuple(n for n in schedule.lengths if n > length)
    rest = iterations(replace(schedule, lengths=longer, watch=()))
    return rest - schedule.fork(length) if schedule.shared else rest
