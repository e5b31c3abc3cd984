"""What lowers the scatter of runs from seed to seed: pairing, and averaged weights.

    python -m benchmarks.scatter

Read off the real runs in benchmarks/rungs.csv: settings of the embedded data, each trained from
three seeds, both arms from the same ones. Settings that learn next to nothing are left out.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd

RUNGS = Path(__file__).parent / "rungs.csv"
LEAST = 3.0  # AP, mean over seeds
POINT = ["point", "iteration", "arm"]


def deviation(runs: pd.DataFrame) -> float:
    """Standard deviation over the columns, pooled over the rows."""
    return float(runs.var(axis=1, ddof=1).mean()) ** 0.5


def main() -> None:
    runs = pd.read_csv(RUNGS)
    print("images | what | AP, mean | from seed to seed, AP | settings")
    for size, here in runs.groupby("size"):
        by_seed = {
            name: group.pivot_table(index=POINT, columns="seed", values="AP_box").dropna()
            for name, group in here.groupby("weights")
        }
        learnt = {name: x.loc[x.mean(axis=1) > LEAST] for name, x in by_seed.items()}
        for name in ("tail", "average", "trunk"):
            x = learnt[name]
            mean = float(x.mean(axis=1).mean())
            print(f"{size} | a run, {name} | {mean:.1f} | {deviation(x):.2f} | {len(x)}")
        tails = learnt["tail"].reset_index()
        one, other = (
            tails[tails["arm"] == arm].set_index(POINT[:2]).drop(columns="arm")
            for arm in ("pretext", "scratch")
        )
        both = one.index.intersection(other.index)
        one, other = one.loc[both], other.loc[both]
        alone = (deviation(one) ** 2 + deviation(other) ** 2) ** 0.5
        print(f"{size} | difference of the arms, other seeds | | {alone:.2f} | {len(both)}")
        paired = deviation(one - other)
        print(f"{size} | difference of the arms, the same seeds | | {paired:.2f} | {len(both)}")


if __name__ == "__main__":
    main()
