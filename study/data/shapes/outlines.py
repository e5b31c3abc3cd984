"""Outlines and textures as functions of an object's own coordinates."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Plane = NDArray[np.float32]  # [h, w]

SHAPES = ("circle", "square", "triangle", "star", "cross", "ring", "crescent", "ell")
SHAPES += ("tee", "hexagon", "bow", "drop")
TEXTURES = ("plain", "striped", "chequered", "dotted", "ringed", "speckled")

REACH = 1.3  # no outline goes farther from the origin


def inside(shape: int, u: Plane, v: Plane) -> NDArray[np.bool_]:
    """Whether (u, v) lies in shape number `shape` of radius about 1; v points down."""
    r = np.hypot(u, v)
    match SHAPES[shape]:
        case "circle":
            return r < 0.9
        case "square":
            return np.maximum(abs(u), abs(v)) < 0.78
        case "triangle":
            return (v < 0.65) & (v > abs(u) * 1.65 / 0.95 - 1)
        case "star":
            sector = 2 * np.pi / 5
            a = np.arctan2(v, u) % sector - sector / 2
            return r * np.cos(a) < 0.42 + 0.55 * (abs(a) / (sector / 2)) ** 1.3
        case "cross":
            upright, level = (abs(u) < 0.3) & (abs(v) < 0.95), (abs(v) < 0.3) & (abs(u) < 0.95)
            return upright | level
        case "ring":
            return (r < 0.95) & (r > 0.5)
        case "crescent":
            return (r < 0.95) & ((u - 0.45) ** 2 + v * v > 0.62**2)
        case "ell":
            return (abs(u) < 0.8) & (abs(v) < 0.9) & ~((u > -0.2) & (v < 0.3))
        case "tee":
            bar = (abs(u) < 0.9) & (v < -0.3) & (v > -0.85)
            return bar | ((abs(u) < 0.28) & (v >= -0.3) & (v < 0.9))
        case "hexagon":
            sector = np.pi / 3
            return r * np.cos(np.arctan2(v, u) % sector - sector / 2) < 0.82
        case "bow":
            return (abs(v) < 0.15 + 0.75 * abs(u)) & (abs(u) < 0.95)
        case _:  # drop
            return (r < 0.62) | ((v < 0) & (abs(u) < 0.6 * (1 + v)))


def blend(texture: int, u: Plane, v: Plane, rng: np.random.Generator, frequency: float) -> Plane:
    """The share of the second of two colours at (u, v), 0..1; `frequency` in radians per unit."""
    p, q = rng.uniform(0, 2 * np.pi, 2).astype(np.float32)
    wave_u, wave_v = frequency * u + p, frequency * v + q
    match TEXTURES[texture]:
        case "plain":
            return np.full(u.shape, rng.uniform(0, 0.3), np.float32)
        case "striped":
            return (np.sin(wave_u) > 0).astype(np.float32)
        case "chequered":
            return (np.sin(wave_u) * np.sin(wave_v) > 0).astype(np.float32)
        case "dotted":
            return (np.sin(wave_u) * np.sin(wave_v) > 0.45).astype(np.float32)
        case "ringed":
            return 0.5 + 0.5 * np.sin(1.3 * frequency * np.hypot(u, v) + p)
        case _:  # speckled
            cells = int(rng.integers(4, 10))
            speckle = rng.random((cells, cells), np.float32)
            row, column = (((w * 0.5 + 0.5) * cells).astype(int) % cells for w in (u, v))
            return speckle[row, column]
