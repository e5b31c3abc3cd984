"""Drawn scenes, and what a detector could have found in them."""

from __future__ import annotations

from typing import Any

import numpy as np

from analysis.detections.matches import Kind, Matches, evaluated, ground_truth, matches

SIZE = {"width": 100, "height": 100}


def found(
    truth: dict[str, Any], rng: np.random.Generator, each: int = 4, blur: float = 2.0
) -> list[dict[str, Any]]:
    """Detections around the objects, many of another class, and a few of nothing at all."""
    rows = [
        {
            "image_id": row["image_id"],
            "category_id": row["category_id"] if rng.random() < 0.7 else 1,
            "bbox": (np.array(row["bbox"]) + rng.normal(0, blur, 4)).clip(0.5).tolist(),
            "score": round(float(rng.random()), 2),  # so that many are equal
        }
        for row in truth["annotations"]
        for _ in range(each)
    ]
    nothing = {"image_id": 1, "category_id": 2, "bbox": [90.0, 90.0, 5.0, 5.0], "score": 0.99}
    return [*rows, nothing]


def scenes(images: int, rng: np.random.Generator, classes: int = 3) -> dict[str, Any]:
    """Boxes strewn over images, one image without any, some of them crowd regions."""
    annotations = [
        {
            "id": 1 + 9 * image + place,
            "image_id": image,
            "category_id": int(rng.integers(1, classes + 1)),
            "bbox": [*rng.uniform(0, 60, 2).tolist(), *rng.uniform(10, 40, 2).tolist()],
            "area": 500.0,
            "iscrowd": int(rng.random() < 0.1),
        }
        for image in range(2, images + 1)
        for place in range(int(rng.integers(1, 6)))
    ]
    return {
        "images": [{"id": i, **SIZE, "file_name": f"{i}.png"} for i in range(1, images + 1)],
        "annotations": annotations,
        "categories": [{"id": i, "name": f"class{i}"} for i in range(1, classes + 2)],
    }


def matched(truth: dict[str, Any], rows: list[dict[str, Any]], kind: Kind = "box") -> Matches:
    return matches(evaluated(ground_truth(truth), rows, kind))


def copied(
    content: dict[str, Any], rows: list[dict[str, Any]], weights: np.ndarray
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The data set that holds image i `weights[i]` times, copies next to each other."""
    truth: dict[str, Any] = {"images": [], "annotations": [], "categories": content["categories"]}
    detections = []
    for image, weight in zip(content["images"], weights, strict=True):
        for copy in range(int(weight)):
            new = {"image_id": 1000 * image["id"] + copy}
            truth["images"].append(image | {"id": new["image_id"]})
            own = [a for a in content["annotations"] if a["image_id"] == image["id"]]
            truth["annotations"] += [
                a | new | {"id": len(truth["annotations"]) + 1 + i} for i, a in enumerate(own)
            ]
            detections += [row | new for row in rows if row["image_id"] == image["id"]]
    return truth, detections
