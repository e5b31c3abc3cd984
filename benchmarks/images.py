"""Intervals over evaluation images: how often they hold the truth, and how long they take.

python -m benchmarks.images

Two arms whose quality falls with an image's difficulty are "run" once on a population of images.
Samples of it play report splits; an interval from one of them ought to hold, in 95 % of the
samples, what the difference is on average over samples of that size. Then the interval for other
images and other seeds, from errors drawn at random.
"""

from __future__ import annotations

import time

import numpy as np
from scipy import stats

from analysis.detections.matches import THRESHOLDS, Matches, Ranking

POPULATION, CLASSES, SAMPLES, RESAMPLES = 12_000, 3, 400, 200
LEVEL = 0.95


def main() -> None:
    rng = np.random.default_rng(0)
    difficulty = rng.normal(size=POPULATION)
    objects = rng.poisson(1.0, (POPULATION, CLASSES))
    arms = [arm(rng, difficulty, objects, skill) for skill in (0.5, -0.5)]
    print(f"{SAMPLES} samples, {RESAMPLES} resamples of each: intervals that hold the truth")
    for images in (50, 200):
        print(f"{images:5} images  ", covered(rng, arms, images))
    everything = np.arange(2000)
    matches = sample(arms[0], everything)
    weights = rng.multinomial(2000, np.full(2000, 1 / 2000), size=1000)
    began = time.perf_counter()
    matches.ap(weights)
    print(f"2,000 images, 1,000 resamples of a run: {time.perf_counter() - began:.1f} s")
    print("other images and other seeds: share due to images, intervals that hold the truth")
    for freedom in (1, 2, 5):
        for share in (0.1, 0.4, 0.7):
            print(f"{1 + freedom} pairs of runs, {share:.0%} ", both(rng, freedom, share))


def arm(
    rng: np.random.Generator, difficulty: np.ndarray, objects: np.ndarray, skill: float
) -> list[Ranking]:
    """What an arm detects in every image of the population, class by class."""
    found: list[Ranking] = []
    for wanted in objects.T:
        image = np.repeat(np.arange(POPULATION), wanted)
        able = skill - 0.8 * difficulty[image]
        seen = rng.random(len(image)) < logistic(able + 1)
        image, able = image[seen], able[seen]
        iou = logistic(0.8 * able + rng.normal(size=len(able)))
        nothing = np.repeat(np.arange(POPULATION), rng.poisson(1.2, POPULATION))
        doubt = -1.5 - 0.3 * skill + 0.8 * difficulty[nothing]
        score = np.concatenate([able, doubt]) + rng.normal(size=len(able) + len(doubt))
        image = np.concatenate([image, nothing])
        hit = np.concatenate([iou, np.zeros(len(nothing))]) >= THRESHOLDS[:, None]
        order = np.argsort(-score)
        every = np.ones_like(hit)
        columns = (image[order], score[order], hit[:, order], every, order)
        found.append(Ranking(*columns, wanted.astype(float)))
    return found


def sample(rankings: list[Ranking], chosen: np.ndarray) -> Matches:
    """An arm on some images of the population."""
    place = np.full(POPULATION, -1)
    place[chosen] = np.arange(len(chosen))
    parts: list[Ranking] = []
    for one in rankings:
        own = np.flatnonzero(place[one.image] >= 0)
        columns = (place[one.image[own]], one.score[own], one.hit[:, own], one.counts[:, own])
        parts.append(Ranking(*columns, one.row[own], one.objects[chosen]))
    return Matches(np.arange(len(chosen)), tuple(parts))


def covered(rng: np.random.Generator, arms: list[list[Ranking]], images: int) -> str:
    """How often each kind of interval holds the mean difference over all samples."""
    gaps, drawn = np.empty(SAMPLES), np.empty((SAMPLES, RESAMPLES))
    for at in range(SAMPLES):
        chosen = rng.choice(POPULATION, images, replace=False)
        a, b = (sample(rankings, chosen) for rankings in arms)
        gaps[at] = (a.ap() - b.ap())[0]
        weights = rng.multinomial(images, np.full(images, 1 / images), size=RESAMPLES)
        drawn[at] = a.ap(weights) - b.ap(weights)
    truth, sd = gaps.mean(), drawn.std(axis=1, ddof=1)
    low, high = np.quantile(drawn, [(1 - LEVEL) / 2, (1 + LEVEL) / 2], axis=1)
    half = stats.t.ppf((1 + LEVEL) / 2, images - 1) * sd
    shares = {
        "Student's t": np.abs(gaps - truth) <= half,
        "quantiles": (low <= truth) & (truth <= high),
        "quantiles turned round": (2 * gaps - high <= truth) & (truth <= 2 * gaps - low),
    }
    text = ", ".join(f"{name} {held.mean():.1%}" for name, held in shares.items())
    return f"{text}; standard error {sd.mean():.2f} for {gaps.std():.2f}"


def both(rng: np.random.Generator, freedom: int, share: float, times: int = 400_000) -> str:
    """How often two ways to add the errors of images and seeds hold the truth."""
    seeds = (1 - share) * rng.chisquare(freedom, times) / freedom
    images = share * rng.chisquare(199, times) / 199
    gap = np.abs(rng.normal(size=times))
    total = seeds + images
    degrees = total**2 / (seeds**2 / freedom + images**2 / 199)
    t_seeds, t_images = stats.t.ppf((1 + LEVEL) / 2, [freedom, 199])
    widths = np.sqrt(t_seeds**2 * seeds + t_images**2 * images)
    one = stats.t.ppf((1 + LEVEL) / 2, degrees) * np.sqrt(total)
    return f"half-widths {np.mean(gap <= widths):.1%}, one t {np.mean(gap <= one):.1%}"


def logistic(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


if __name__ == "__main__":
    main()
