"""The truths that are tried."""

from __future__ import annotations

from dataclasses import replace

from benchmarks.calibration.truth import ARMS, SIZES, Noise, Scenario, Surface

MARGIN = 0.5


def _alike(arm: str, place: int) -> Surface:
    return Surface(peak=(12.0, 22.0, 32.0, 40.0)[place])


def _gap_at_small_sizes(arm: str, place: int) -> Surface:
    lead = (8.0, 4.0, 0.0, 0.0)[place] if arm == "pretext" else 0.0
    return replace(_alike(arm, place), peak=_alike(arm, place).peak + lead)


def _fading(arm: str, place: int) -> Surface:
    lead = (9.0, 5.0, 2.0, -1.5)[place] if arm == "pretext" else 0.0
    return replace(_alike(arm, place), peak=_alike(arm, place).peak + lead)


def _slower(arm: str, place: int) -> Surface:
    """Scratch needs the longest length, where both are equal to 0.02 AP."""
    return replace(_alike(arm, place), slowness=55.0 if arm == "scratch" else 25.0)


def _easier(arm: str, place: int) -> Surface:
    return replace(_alike(arm, place), width=1.0 if arm == "pretext" else 0.35)


def _flat(arm: str, place: int) -> Surface:
    """More images bring little, and once they cost a little."""
    return Surface(peak=(28.0, 31.0, 30.0, 32.0)[place] + (1.5 if arm == "pretext" else 0.0))


SEVERAL = (*ARMS, "imagenet", "moco", "dino", "mine")
EQUAL = Scenario(name="equal arms", surfaces=_alike, equal=True)
LOUD = Noise(first=3.0)
QUIET = Noise(spread=(0.25, 0.2, 0.15, 0.15))
SCENARIOS = (
    EQUAL,
    Scenario(name="gap at small sizes only", surfaces=_gap_at_small_sizes),
    Scenario(name="lead that fades and turns", surfaces=_fading),
    Scenario(name="scratch slower but equal", surfaces=_slower, equal=True),
    Scenario(name="one arm easier to tune", surfaces=_easier, equal=True),
    replace(EQUAL, name="equal as tuned", pinned=0.0),
    replace(EQUAL, name="apart by the margin", pinned=MARGIN, noise=QUIET, equal=False),
    replace(EQUAL, name="two sizes only", sizes=SIZES[:2], pinned=0.0),
    replace(EQUAL, name="one size only", sizes=SIZES[:1], pinned=0.0),
    replace(EQUAL, name="spread 3 : 1", noise=Noise(spread=(1.8, 1.2, 0.9, 0.6)), pinned=0.0),
    replace(EQUAL, name="spread 8 : 1", noise=Noise(spread=(2.4, 1.2, 0.6, 0.3)), pinned=0.0),
    replace(EQUAL, name="seeds alike at all sizes", noise=Noise(sizes=1.0), pinned=0.0),
    replace(EQUAL, name="few images to score on", noise=Noise(images=0.5), pinned=0.0),
    replace(EQUAL, name="3 arms", arms=SEVERAL[:3], pinned=0.0),
    replace(EQUAL, name="4 arms", arms=SEVERAL[:4], pinned=0.0),
    replace(EQUAL, name="4 arms, two sizes", arms=SEVERAL[:4], sizes=SIZES[:2], pinned=0.0),
    replace(EQUAL, name="4 arms, one scatters 3 : 1", arms=SEVERAL[:4], noise=LOUD, pinned=0.0),
    replace(EQUAL, name="6 arms", arms=SEVERAL, pinned=0.0),
    Scenario(name="AP hardly rises with size", surfaces=_flat),
)
