"""The model card of a trained detector: what it is, what it saw, what it scored, its limits."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from study.config import RunConfig
from study.config.printable import shown
from study.data.pixels import Scale
from study.trained.folder import Classes

WITHOUT = (
    "No score: it was trained on the report split too, so that no labelled images are left that"
    " it has not seen."
)


@dataclass(frozen=True)
class Facts:
    """What a card tells besides the run's configuration."""

    classes: Classes
    study: str  # the run directory
    why: str  # this arm
    tuned_at: int  # training images
    trained_on: str
    images: int
    reported_on: int  # images; 0: none
    scores: Sequence[tuple[str, float | None]]  # points 0-100
    answer: str  # the study's, in a sentence; empty: none yet
    seconds: float  # of training
    scale: Scale | None = None  # of pixels of more than 8 bits


def text(run: RunConfig, facts: Facts) -> str:
    """The card, in Markdown."""
    model, optim, plan = run.model, run.optim, run.schedule
    kind = "Mask R-CNN" if model.masks else "Faster R-CNN"
    kind = "Keypoint R-CNN" if model.keypoints else kind
    kind = f"Cascade {kind}" if model.cascade else kind
    gives = "boxes and masks" if model.masks else "boxes"
    begins = f"from the weights {_code(run.init)}" if run.init else "from random weights"
    classes = ", ".join(map(_plain, facts.classes.names))
    scored = "; ".join(
        f"{name} {'none' if ap is None else f'{ap:.1f}'}" for name, ap in facts.scores
    )
    score = f"{scored}, on {facts.reported_on:,} images that it was not trained on."
    lines = [
        f"# A detector of {_few(facts.classes.names)}",
        "",
        f"{kind} with the backbone {_code(model.body.name)}: it finds {gives} of"
        f" {len(facts.classes.names)} {'class' if len(facts.classes.names) == 1 else 'classes'}"
        f" ({classes}) in RGB pictures, whose shorter side it makes {model.short_px:,} px (the"
        f" longer one at most {model.long_px:,} px).",
        *_pixels(facts.scale),
        "",
        "## What it was trained on",
        "",
        f"{facts.images:,} images: {_plain(facts.trained_on)}. It began {begins}"
        f" (the arm {_code(run.arm)}).",
        "",
        "| setting | |",
        "|---|---|",
        f"| learning rate | {optim.lr:.3g} |",
        f"| weight decay | {optim.weight_decay:.3g} |",
        f"| momentum | {optim.momentum:g} |",
        f"| images per iteration | {optim.batch_size} |",
        f"| iterations | {plan.lengths[-1]:,}; the rate drops to {plan.factors[-1]:g} of itself"
        f" {plan.tail[0]:,} and {plan.tail[1]:,} before the end |",
        f"| seed | {run.seed} |",
        f"| computed in | {run.compute} |",
        f"| training took | {facts.seconds:,.0f} s on one device |",
        "",
        f"The study in {_code(facts.study)} chose this setting at {facts.tuned_at:,} training"
        " images."
        f" Why this arm: {_plain(facts.why, 1000)}.",
        "",
        "## How good it is",
        "",
        score if facts.reported_on else WITHOUT,
        "",
        f"The study's answer: {_plain(facts.answer, 5000)}"
        if facts.answer
        else "The study has no answer yet.",
        "",
        "## Limits",
        "",
        *(f"- {line}" for line in _limits(run, facts)),
        "",
        "## How to use it",
        "",
        "```sh",
        "python -m study.predict FOLDER_OF_THIS_FILE photos/ --out found/",
        "```",
        "",
        "```python",
        "import study",
        "",
        'detector = study.load("FOLDER_OF_THIS_FILE")',
        "found = detector([image])[0]  # a PIL image, or uint8 [3, H, W] in RGB",
        "```",
        "",
    ]
    return "\n".join(lines)


def _pixels(scale: Scale | None) -> list[str]:
    """How pixels of more than 8 bits were scaled, where they were."""
    if scale is None:
        return []
    return [
        "",
        f"It is for grey pictures of more than 8 bits ({scale.kind}): {scale.low:g} and less is"
        f" shown to it as black, {scale.high:g} and more as white, in training and by"
        " `study.predict` alike. Pictures of 8 bits are refused.",
    ]


def _limits(run: RunConfig, facts: Facts) -> list[str]:
    """What nobody should believe of the detector."""
    said = [
        "It is one run with one seed. Another seed gives another detector, and another AP.",
        "It was measured on images like those it was trained on; on others it may be worse.",
        "A score of 0.5 is no probability of one half: look at the pictures before a threshold is"
        " chosen.",
    ]
    if facts.images > facts.tuned_at:
        said.append(
            f"The setting was chosen for {facts.tuned_at:,} images, and {facts.images:,} were"
            " trained on: with more images a longer training may be better."
        )
    if facts.reported_on and facts.reported_on < 100:
        said.append(f"{facts.reported_on} images are few: AP on them is rough.")
    if run.split == "report" and "report split" in facts.why:
        said.append(
            "The study chose the arm by runs on the same report split, so that the AP is a little"
            " too good where arms are close."
        )
    return said


def _plain(text: str, most: int = 200) -> str:
    """Text that Markdown and the HTML in it leave as it is."""
    return re.sub(r"[\\`*\[\]<>|&~#]", lambda sign: f"&#{ord(sign[0])};", shown(text, most))


def _code(text: str) -> str:
    """Text between backticks, in which nothing means anything else."""
    return f"`{shown(text, 1000).replace('`', chr(39)).replace('|', chr(0xA6))}`"


def _few(names: Sequence[str]) -> str:
    return ", ".join(map(_plain, names)) if len(names) <= 3 else f"{len(names)} classes"
