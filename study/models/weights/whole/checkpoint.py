"""A whole detector, as read from a file of any program."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from study.models.backbones import Pixels

if TYPE_CHECKING:
    from torch import Tensor

BODY = "backbone.body."
FPN = "backbone.fpn."
RPN = "rpn."
BOX = "roi_heads.box_head."
SCORE, DELTAS = "roi_heads.box_predictor.cls_score", "roi_heads.box_predictor.bbox_pred"
MASK = "roi_heads.mask_head."
LOGITS = "roi_heads.mask_predictor.mask_fcn_logits"
FULLY = "roi_heads.box_head.fc."  # until it is known how many convolutions stand before


@dataclass(frozen=True, kw_only=True)
class Whole:
    """The tensors of a detector by the names of `study.models.detector.Detector`.

    Layers that depend on the classes are as the file has them; `slots` says whose rows they are.
    """

    source: str
    """Path or address, for messages."""
    program: str
    """Whose file it is."""
    tensors: Mapping[str, Tensor]
    classes: tuple[str, ...] | None
    """Names of the foreground's classes in the file's order; None: not known."""
    background: Literal["first", "last"]
    """Where the file has the background's score."""
    pixels: Pixels | None = None
    """What the body expects; None: not known, the model's is taken for right."""
    fields: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    """Values that fields of the model may have, of those that no tensor's shape tells."""

    @property
    def foreground(self) -> int:
        """The number of classes."""
        return len(self.tensors[f"{SCORE}.weight"]) - 1


class Rule(NamedTuple):
    """How a program's names are ours: `name` is formatted with the groups of `pattern`."""

    pattern: str
    name: str
    less: int = 0  # subtracted from the first group, a number


def renamed(
    tensors: Mapping[str, Tensor],
    rules: Iterable[Rule],
    left_out: str,
    source: str,
    program: str,
) -> dict[str, Tensor]:
    """The tensors by our names, without those that match the pattern `left_out`.

    Raises:
        ValueError: names that no rule knows.
    """
    compiled = [(re.compile(rule.pattern), rule) for rule in rules]
    found, unknown = {}, []
    for key, value in tensors.items():
        if re.match(left_out, key):
            continue
        hits = ((pattern.fullmatch(key), rule) for pattern, rule in compiled)
        hit = next(((match, rule) for match, rule in hits if match), None)
        if hit is None:
            unknown.append(key)
            continue
        groups: list[Any] = list(hit[0].groups())
        if groups and groups[0].isdigit():
            groups[0] = int(groups[0]) - hit[1].less
        found[hit[1].name.format(*groups)] = value
    if unknown:
        more = f" and {len(unknown) - 5} more" if len(unknown) > 5 else ""
        raise ValueError(
            f"weights {source!r}: a detector of {program}, of another kind than Faster or Mask"
            f" R-CNN with FPN on a ResNet: left over {', '.join(unknown[:5])}{more}; give such a"
            " one, or the backbone's tensors alone"
        )
    return _placed(found)


def _placed(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """With fully connected layers of the box head behind its convolutions and a flattening."""
    conv = re.compile(re.escape(BOX) + r"\d+\.0\.weight")
    convs = sum(conv.fullmatch(name) is not None for name in tensors)
    found = {}
    for name, value in tensors.items():
        if name.startswith(FULLY):
            number, leaf = name.removeprefix(FULLY).split(".")
            name = f"{BOX}{convs + 1 + 2 * int(number)}.{leaf}"
        found[name] = value
    return found
