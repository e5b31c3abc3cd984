"""What a study will cost, before anything is spent."""

from __future__ import annotations

from dataclasses import dataclass, replace

from study.schedule import independent_iterations, iterations
from study.settings import Settings


@dataclass(frozen=True)
class Bill:
    """Trials and iterations of the whole study, all arms and sizes, confirm runs included.

    `expected` assumes that the confirmed lengths are, on average, the mean of the ladder; `most`
    that nothing stops, because all values are equal, and the longest wins.
    """

    cells: int
    tuning_trials: int
    confirm_runs: int
    batch_size: int  # images per iteration
    expected: int
    most: int
    independent: int  # the same points, every length and drop factor run by itself, none stopped

    def images(self, iterations: float) -> float:
        return iterations * self.batch_size

    def lines(self, images_per_second: float | None = None) -> list[str]:
        """For people; `images_per_second` of all trials that run at once, if measured."""
        rows = [
            f"trials      {self.tuning_trials} for tuning"
            f" ({self.tuning_trials // self.cells} for each of {self.cells} arms × sizes)"
            f" + {self.confirm_runs} to confirm",
            f"iterations  {self.expected:,} expected, {self.most:,} at most"
            f" ({self.independent:,} if every length were run by itself)",
            f"images      {self.images(self.expected):,.0f} expected,"
            f" {self.images(self.most):,.0f} at most",
        ]
        if images_per_second:
            expected, most = (
                self.images(n) / images_per_second for n in (self.expected, self.most)
            )
            rows.append(
                f"time        {duration(expected)} expected, {duration(most)} at most, and"
                f" evaluation: {images_per_second:.1f} images/s measured on this machine"
            )
        return rows


def bill(settings: Settings) -> Bill:
    """The bill for the study from its beginning."""
    expected, most, separate = 0.0, 0.0, 0.0
    for cell in settings.cells:
        schedule, trials = settings.schedule_at(cell.size), settings.trials
        lengths = schedule.lengths
        each = [schedule]
        if settings.schedule == "independent":
            each = [replace(schedule, lengths=(length,)) for length in lengths]
        expected += trials * expected_iterations(settings, cell.size)
        expected += settings.confirm * sum(lengths) / len(lengths)
        most += trials * sum(map(iterations, each)) / len(each)
        separate += trials * sum(map(independent_iterations, each)) / len(each)
        most += settings.confirm * lengths[-1]
        separate += settings.confirm * lengths[-1]
    return Bill(
        cells=len(settings.cells),
        tuning_trials=len(settings.cells) * settings.trials,
        confirm_runs=len(settings.cells) * settings.confirm,
        batch_size=settings.space.fixed.optim.batch_size,
        expected=round(expected),
        most=round(most),
        independent=round(separate),
    )


def expected_iterations(settings: Settings, size: int) -> float:
    """Of one tuning trial at that size, on average over its cell."""
    schedule, halving = settings.schedule_at(size), settings.halving
    if settings.schedule == "independent":
        each = [iterations(replace(schedule, lengths=(length,))) for length in schedule.lengths]
        return sum(each) / len(each)
    spent = 0
    for rung in range(len(schedule.lengths)):
        going = halving.places(settings.trials, rung) if halving else settings.trials
        spent += going * (iterations(schedule, rung + 1) - iterations(schedule, rung))
    return spent / settings.trials


def duration(seconds: float) -> str:
    """A time for people: 45 s, 7 min, 3.4 h, 12 days."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 90 * 60:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h" if seconds < 72 * 3600 else f"{seconds / 86400:.0f} days"
