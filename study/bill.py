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
    schedule, trials, cells = settings.schedule_of_trials, settings.trials, len(settings.cells)
    lengths = schedule.lengths
    mean_length = sum(lengths) / len(lengths)
    confirm = cells * settings.confirm
    if settings.schedule == "independent":
        each = [replace(schedule, lengths=(length,)) for length in lengths]
        most = sum(map(iterations, each)) / len(each)
        separate = sum(map(independent_iterations, each)) / len(each)
    else:
        most, separate = iterations(schedule), independent_iterations(schedule)
    return Bill(
        cells=cells,
        tuning_trials=cells * trials,
        confirm_runs=confirm,
        batch_size=settings.space.fixed.optim.batch_size,
        expected=round(cells * trials * expected_iterations(settings) + confirm * mean_length),
        most=round(cells * trials * most + confirm * lengths[-1]),
        independent=round(cells * trials * separate + confirm * lengths[-1]),
    )


def expected_iterations(settings: Settings) -> float:
    """Of one tuning trial, on average over its cell."""
    schedule, halving = settings.schedule_of_trials, settings.halving
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
