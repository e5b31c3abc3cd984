"""How a detector is scored."""

from __future__ import annotations

from dataclasses import dataclass

from study.config.checks.kinds import require_kinds
from study.config.checks.require import MOST_PX, require


@dataclass(frozen=True, kw_only=True)
class EvaluationConfig:
    """COCO's AP always; PASCAL VOC's and that of test-time augmentation where asked for."""

    metric: str = "coco"  # voc: also mAP at IoU 0.5, by 11 points and by area
    short_px: tuple[int, ...] = ()  # test-time augmentation: merged detections at these sides too
    flip: bool = False  # … and of the mirrored images

    def __post_init__(self) -> None:
        require_kinds(self, "evaluation.")
        ok = all(32 <= side <= MOST_PX for side in self.short_px)
        rule = f"at least 32 px and at most {MOST_PX:,} px each"
        require(ok, "evaluation.short_px", self.short_px, rule)

    @property
    def augmented(self) -> bool:
        """Whether there is any test-time augmentation."""
        return bool(self.short_px) or self.flip
