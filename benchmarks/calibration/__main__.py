"""The table of how often the analysis is right, printed scenario by scenario."""

from __future__ import annotations

import sys

from benchmarks.calibration.scenarios import SCENARIOS
from benchmarks.calibration.tally import TITLES, calibrated

STUDIES = 1000


def main(studies: int, only: str = "") -> None:
    print(f"{studies} studies of each scenario; per cent of all sizes, and of studies (crossover)")
    print("| " + " | ".join(TITLES) + " |")
    print("|" + "---|" * len(TITLES))
    for place, scenario in enumerate(SCENARIOS):
        if only in scenario.name:
            for repeats, tally in calibrated(scenario, studies, place * studies).items():
                print("| " + " | ".join(tally.line(scenario.name, repeats)) + " |", flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else STUDIES, *sys.argv[2:3])
