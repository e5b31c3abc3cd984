"""The reference catches up at the shortest length at which it comes near the other arm."""

from __future__ import annotations

import pandas as pd

import analysis
from analysis.answers.catch_up import told
from analysis.reading.frames import groups, rows, values, where


def test_the_reference_catches_up_at_the_length_where_it_comes_near(results: analysis.Results):
    for row in rows(analysis.catch_up(results)):
        tails = where(results.tails, role="tune", size=row["size"])
        best = {
            arm: {
                n: max(values(at, "AP_box"))
                for (n,), at in groups(where(tails, arm=arm), "length")
            }
            for arm in ("scratch", "pretext")
        }
        target = max(best["pretext"].values())
        near = [n for n, ap in best["scratch"].items() if ap >= target - 0.5]
        assert row["AP_box_arm"] == target
        reached = row["length_reference"]
        assert (None if pd.isna(reached) else reached) == min(near, default=None)


def test_a_reference_that_stays_behind_says_by_how_much(results: analysis.Results):
    table = analysis.catch_up(results)
    (said,) = told(table.iloc[:1])
    assert said.startswith(
        "on the tuning split, with 24 images, scratch does not catch up within 400 iterations; it"
    )
    once = told(pd.concat([table.iloc[:1].assign(size=n, AP_box_arm=n) for n in (9, 10, 20, 40)]))
    least, most = (n - table["AP_box_reference"].iloc[0] for n in (9, 40))
    assert len(once) == 1 and "with 9 to 40 images" in once[0]
    assert f"stays {least:.1f} to {most:.1f} AP below pretext" in once[0]


def test_one_or_two_trials_do_not_say_how_soon_it_catches_up(results: analysis.Results):
    table = analysis.catch_up(results)
    tuned = where(results.trials, role="tune", arm="scratch", size=24)
    scored = sum(values(tuned["AP_box"].notna().to_frame(), "AP_box"))
    assert table["trials_reference"].iloc[0] == scored > 2
    few = table.iloc[:1].assign(trials_reference=2, trials_arm=1)
    assert told(few) == [
        "with 24 images, only 2 trials of scratch and 1 trial of pretext: not enough to say how"
        " soon scratch catches up with pretext"
    ]
    both = told(pd.concat([few, table.iloc[1:2]]))
    assert len(both) == 2 and not any("24 images" in said for said in both[:1])
    assert told(table.iloc[:1].assign(trials_arm=2)) == [
        "with 24 images, only 2 trials of pretext: not enough to say how soon scratch catches up"
        " with pretext"
    ]
