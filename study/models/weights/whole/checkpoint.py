"""A whole detector, as read from a file of any program."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from study.config.printable import shown
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
        left = ", ".join(map(shown, unknown[:5]))
        raise ValueError(
            f"weights {source!r}: a detector of {program}, of another kind than Faster or Mask"
            f" R-CNN with FPN on a ResNet: left over {left}{more}; give such a one, or the"
            " backbone's tensors alone"
        )
    require_heads(found, source, program)
    return _placed(found)


def require_heads(tensors: Mapping[str, Tensor], source: str, program: str) -> None:
    """Refuse what has a detector's names and is none, before anything is computed of its shapes.

    Raises:
        ValueError: names what it lacks, or the first tensor that has no values.
    """
    what = f"weights {source!r}: a detector of {program} by its names, which"
    remedy = "give the file of a whole detector, or the backbone's tensors alone"
    for name in (f"{SCORE}.weight", f"{DELTAS}.weight"):
        shape = tuple(tensors[name].shape) if name in tensors else None
        if shape is None or len(shape) != 2:
            lacks = "lacks" if shape is None else f"has the shape {shape} where must be two sizes:"
            raise ValueError(f"{what} {lacks} {name}; {remedy}")
    if len(tensors[f"{SCORE}.weight"]) < 2:
        raise ValueError(f"{what} has no class but the background; {remedy}")
    for name, value in tensors.items():
        if not name.endswith("num_batches_tracked") and (value.dim() == 0 or value.numel() == 0):
            shape = tuple(value.shape)
            raise ValueError(f"{what} has {shown(name)} of the shape {shape}; {remedy}")


def bgr_to_rgb(tensors: dict[str, Tensor], source: str) -> None:
    """Turn the channels of the first convolution of a ResNet round, in place.

    Raises:
        ValueError: there is none of three channels.
    """
    first = f"{BODY}conv1.weight"
    if first not in tensors or tensors[first].dim() != 4:
        raise ValueError(
            f"weights {source!r}: a detector by its names, whose backbone lacks its first"
            " convolution; give the file of a whole detector"
        )
    tensors[first] = tensors[first].flip(1)


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
