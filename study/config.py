"""The whole truth about a run: frozen, validated dataclasses without defaults hidden elsewhere.

A value is checked where it is born, so that a bad one is named before any work starts. The
classes know nothing of torch or ray; a run's configuration travels as the plain dictionary of
`to_dict` and is built again by `from_dict`, which refuses unknown keys.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeVar

import cattrs
from cattrs.v import format_exception


def _require(ok: bool, name: str, value: object, rule: str) -> None:
    if not ok:
        raise ValueError(f"{name} = {value!r}: {rule}")


@dataclass(frozen=True, kw_only=True)
class DataConfig:
    """Where the images are. `shapes` is generated; any other name needs the four paths.

    The report split is `val`. Hyper-parameters are chosen on the tuning split: `tune` if given,
    otherwise `tune_size` images held out from `train`, the same ones for every arm and size: from
    those outside `train_within` if there are any, so that all inside are trained on.
    """

    name: str = "shapes"
    root: str | None = None  # folder that relative paths start from; None: the current one
    train: str | None = None  # COCO-format JSON
    train_images: str | None = None  # folder
    train_within: str | None = None  # JSON with a list `images`: train only on ids it has too
    val: str | None = None
    val_images: str | None = None
    tune: str | None = None
    tune_images: str | None = None
    tune_size: int | None = None  # images held out; None: 128, or a quarter of `train` if less
    val_size: int | None = None  # the first so many images of `val`; None: all of them
    digests: dict[str, str] = field(default_factory=dict)  # by name; data with others are refused

    def __post_init__(self) -> None:
        paths = {k: getattr(self, k) for k in ("train", "train_images", "val", "val_images")}
        if self.name == "shapes":
            given = [k for k in ("root", *PATHS) if getattr(self, k)]
            _require(not given, "data.name", self.name, f"the embedded data takes no {given}")
        else:
            missing = ["--data." + k.replace("_", "-") for k, v in paths.items() if not v]
            _require(not missing, "data", self.name, f"also needs {' '.join(missing)}")
        _require(
            (self.tune is None) == (self.tune_images is None),
            "data.tune",
            self.tune,
            "give both data.tune and data.tune-images, or neither",
        )
        some = self.tune_size is None or self.tune_size >= 1
        _require(some, "data.tune_size", self.tune_size, "at least one image")

    def absolute(self) -> DataConfig:
        """The same with absolute paths: workers run elsewhere."""
        root = Path(self.root or "").expanduser().resolve()
        paths = {name: getattr(self, name) for name in PATHS}
        there = {k: str((root / Path(v).expanduser()).resolve()) for k, v in paths.items() if v}
        return dataclasses.replace(self, **there, root=str(root) if self.root else None)


PATHS = ("train", "train_images", "train_within", "val", "val_images", "tune", "tune_images")
"""The fields of DataConfig that may be relative to its root."""


@dataclass(frozen=True, kw_only=True)
class ModelConfig:
    """Mask R-CNN with FPN. Sizes in pixels of the network's input; counts per image."""

    name: str = "tiny"
    backbone: Literal["thin", "resnet18", "resnet50", "resnet101"] = "thin"
    norm_groups: int = 8  # of GroupNorm, everywhere
    fpn_channels: int = 32
    short_px: int = 96  # the image's shorter side; aspect ratio is kept
    long_px: int = 160  # limit of its longer side
    crop_px: int | None = None  # train on random square crops of this side; None: whole images
    anchor_px: tuple[float, ...] = (16, 32, 48, 96)  # one per level of the pyramid
    aspect_ratios: tuple[float, ...] = (0.7, 1.4)  # height / width
    proposals_before_nms: tuple[int, int] = (200, 100)  # per level: training, inference
    proposals: tuple[int, int] = (100, 50)  # training, inference
    rpn_samples: int = 64
    roi_samples: int = 48
    detections: int = 20
    score_threshold: float = 0.05
    box_pool: int = 5  # bins a side
    box_convs: int = 1
    box_fc: int = 128
    mask_pool: int = 10
    mask_convs: int = 1
    canonical_px: int = 48  # FPN eq. 1: a RoI of this size goes to level `canonical_level`
    canonical_level: int = 3
    pixel_mean: tuple[float, float, float] = (127.5, 127.5, 127.5)
    pixel_std: tuple[float, float, float] = (63.75, 63.75, 63.75)

    def __post_init__(self) -> None:
        _require(self.short_px >= 32, "model.short_px", self.short_px, "at least 32 px")
        _require(self.long_px >= self.short_px, "model.long_px", self.long_px, "at least short_px")
        crop_ok = self.crop_px is None or self.crop_px % 32 == 0
        _require(crop_ok, "model.crop_px", self.crop_px, "a multiple of 32 px, or none")
        _require(all(a > 0 for a in self.anchor_px), "model.anchor_px", self.anchor_px, "above 0")


TINY = ModelConfig()

R50_FPN = ModelConfig(
    name="r50-fpn",
    backbone="resnet50",
    norm_groups=32,
    fpn_channels=256,
    short_px=800,
    long_px=1333,
    anchor_px=(32, 64, 128, 256, 512),
    aspect_ratios=(0.5, 1.0, 2.0),
    proposals_before_nms=(2000, 1000),
    proposals=(1000, 1000),
    rpn_samples=256,
    roi_samples=512,
    detections=100,
    box_pool=7,
    box_convs=4,
    box_fc=1024,
    mask_pool=14,
    mask_convs=4,
    canonical_px=224,
    canonical_level=4,
    pixel_mean=(123.675, 116.28, 103.53),
    pixel_std=(58.395, 57.12, 57.375),
)

MODELS: dict[str, ModelConfig] = {
    "tiny": TINY,
    "r50-fpn": R50_FPN,
    "r101-fpn": dataclasses.replace(R50_FPN, name="r101-fpn", backbone="resnet101"),
}


def model(name: str) -> ModelConfig:
    """The model of that name.

    Raises:
        ValueError: no such model; lists the ones there are.
    """
    _require(name in MODELS, "model", name, f"one of {', '.join(MODELS)}")
    return MODELS[name]


@dataclass(frozen=True, kw_only=True)
class OptimConfig:
    """SGD. The learning rate is the one used at `batch_size` images per iteration."""

    lr: float = 0.06
    weight_decay: float = 1e-3  # weights only: norm parameters and biases have none
    momentum: float = 0.9
    batch_size: int = 4  # images per iteration, over all workers
    clip_norm: float | None = 10.0

    def __post_init__(self) -> None:
        _require(self.lr > 0, "optim.lr", self.lr, "above 0")
        _require(self.weight_decay >= 0, "optim.weight_decay", self.weight_decay, "0 or more")
        _require(self.batch_size >= 1, "optim.batch_size", self.batch_size, "at least 1")


@dataclass(frozen=True, kw_only=True)
class ScheduleConfig:
    """Lengths T in iterations; every T ends in the same tail ("Rethinking", Sec. 3).

    The rate is multiplied by `factor` at T - tail[0] and again at T - tail[1]. All lengths share
    the constant-rate trunk before that, which may be evaluated too, at the iterations of `watch`:
    its weights as they are ("trunk"), or their moving average ("average").
    """

    lengths: tuple[int, ...] = (400,)
    tail: tuple[int, int] = (50, 16)  # iterations before the end
    factors: tuple[float, ...] = (0.1,)
    warmup: int = 40  # iterations, linear
    shared: bool = True  # one trunk for all; otherwise each length and factor starts anew
    tails: Literal["every", "last"] = "every"  # the lengths that are ended by their tails
    watch: tuple[int, ...] = ()  # iterations of the trunk
    watched: tuple[Literal["trunk", "average"], ...] = ("average",)

    def __post_init__(self) -> None:
        lengths, tail = self.lengths, self.tail
        ascending = bool(lengths) and list(lengths) == sorted(set(lengths))
        _require(ascending, "schedule.lengths", lengths, "at least one, ascending")
        _require(tail[0] >= tail[1] >= 0, "schedule.tail", tail, "first drop before the second")
        _require(
            lengths[0] > tail[0],
            "schedule.lengths",
            lengths,
            f"each longer than the tail of {tail[0]} iterations",
        )
        good = bool(self.factors) and all(0 < f <= 1 for f in self.factors)
        _require(good, "schedule.factors", self.factors, "at least one, each in (0, 1]")
        different = len({f"{factor:g}" for factor in self.factors}) == len(self.factors)
        _require(different, "schedule.factors", self.factors, "each once, to six digits")
        _require(self.warmup >= 0, "schedule.warmup", self.warmup, "0 or more iterations")
        on_trunk = all(0 < iteration <= lengths[-1] - tail[0] for iteration in self.watch)
        ascending = list(self.watch) == sorted(set(self.watch))
        rule = f"ascending, within the trunk of {lengths[-1] - tail[0]} iterations"
        _require(on_trunk and ascending, "schedule.watch", self.watch, rule)
        alone = self.shared or (self.tails == "every" and not self.watch)
        rule = "separate runs have no common trunk to watch, and each has its tail"
        _require(alone, "schedule.shared", self.shared, rule)

    def fork(self, length: int) -> int:
        """The iteration at which a length leaves the trunk."""
        return length - self.tail[0]

    def up_to(self, length: int) -> ScheduleConfig:
        """The same schedule, ended at one of its lengths."""
        return dataclasses.replace(
            self,
            lengths=tuple(one for one in self.lengths if one <= length),
            watch=tuple(one for one in self.watch if one <= self.fork(length)),
        )


@dataclass(frozen=True, kw_only=True)
class RunConfig:
    """One run: one arm, one subset, one seed, one point of the search space.

    A run with several lengths trains the shared trunk once and a tail for each (length, factor).
    """

    trial_id: str = "run"
    arm: str = "scratch"
    init: str | None = None  # weights: "pretext", "imagenet", a file or URL; None: random
    size: int = 64  # training images
    draw: int = 0  # which random draw of that many images
    seed: int = 0  # initial weights, data order, augmentation, samplers
    split: Literal["tune", "report"] = "tune"  # evaluated on
    data: DataConfig = field(default_factory=DataConfig)
    model: ModelConfig = TINY
    optim: OptimConfig = field(default_factory=OptimConfig)
    schedule: ScheduleConfig = field(default_factory=ScheduleConfig)
    checkpoint_every: int = 100  # iterations; also at every fork and before every evaluation
    keep_weights: bool = False  # write the detector's weights at the end of each length
    device: Literal["auto", "cpu", "cuda"] = "auto"
    threads: int = 1  # CPU threads per worker: results differ in the 7th digit with another number
    precision: Literal["float32", "float64"] = "float32"  # float64 tells rounding from mistakes

    def __post_init__(self) -> None:
        _require(self.size >= 1, "size", self.size, "at least one training image")
        _require(self.checkpoint_every >= 1, "checkpoint_every", self.checkpoint_every, ">= 1")
        _require(self.threads >= 1, "threads", self.threads, "at least 1")


@dataclass(frozen=True, kw_only=True)
class LogUniform:
    """A range searched uniformly in the logarithm, both ends included."""

    low: float
    high: float

    def __post_init__(self) -> None:
        _require(0 < self.low <= self.high, "range", (self.low, self.high), "0 < low <= high")

    def at(self, unit: float) -> float:
        """The value at `unit` in [0, 1] of the range."""
        return float(self.low * (self.high / self.low) ** unit)


@dataclass(frozen=True, kw_only=True)
class Scientific:
    """What the study asks about: every arm at every size."""

    arms: tuple[str, ...] = ("scratch", "pretext")
    sizes: tuple[int, ...] = (24, 64)

    def __post_init__(self) -> None:
        _require(len(set(self.arms)) == len(self.arms) >= 1, "arms", self.arms, "each once")
        ok = bool(self.sizes) and list(self.sizes) == sorted(set(self.sizes))
        _require(ok and self.sizes[0] >= 1, "sizes", self.sizes, "ascending, each at least 1")


@dataclass(frozen=True, kw_only=True)
class Nuisance:
    """What is tuned, separately for each arm and size, over the same ranges.

    `lengths` and `factors` belong to tails; learning rate and weight decay to the trunk. More
    images deserve longer training: `longer` holds other lengths, each from so many images on.
    """

    lr: LogUniform = LogUniform(low=0.005, high=0.1)
    weight_decay: LogUniform = LogUniform(low=1e-5, high=1e-2)
    lengths: tuple[int, ...] = (100, 200, 400)
    longer: dict[int, tuple[int, ...]] = field(default_factory=dict)  # size: lengths
    factors: tuple[float, ...] = (0.1,)

    def at(self, size: int) -> Nuisance:
        """What is tuned for a training set of that size; `longer` is then empty."""
        reached = [start for start in self.longer if start <= size]
        lengths = self.longer[max(reached)] if reached else self.lengths
        return dataclasses.replace(self, lengths=lengths, longer={})


@dataclass(frozen=True, kw_only=True)
class Budget:
    """What each arm may spend at each size, the same for all of them; it may grow later."""

    trials: int = 4  # for tuning
    finalists: int = 1  # best settings that are confirmed
    confirm: int = 2  # runs of each finalist: fresh seeds and draws, on the report split
    cross: int = 1  # of these, so many also with each other arm's values, as the paper tuned
    audit: float = 0.1  # share of the stopped trials that are continued, to see what was lost
    extend: int = 1  # times that a range is extended when a best setting lies at its edge

    def __post_init__(self) -> None:
        for name, low in dict(trials=1, finalists=1, confirm=0, cross=0, extend=0).items():
            value = getattr(self, name)
            _require(value >= low, name, value, f"at least {low}")
        _require(0 <= self.audit <= 1, "audit", self.audit, "a share between 0 and 1")

    @property
    def crossed(self) -> int:
        """Cross-tuned runs that have a confirm run of the same seed to be compared with."""
        return min(self.cross, self.confirm)

    @property
    def extra(self) -> int:
        """Trials of each arm in each strip by which a range is extended."""
        return max(1, self.trials // 4)


@dataclass(frozen=True, kw_only=True)
class SearchSpace:
    """One question: what is compared, what is tuned for each side, and what stays fixed."""

    name: str
    scientific: Scientific = field(default_factory=Scientific)
    nuisance: Nuisance = field(default_factory=Nuisance)
    fixed: RunConfig = field(default_factory=RunConfig)
    budget: Budget = field(default_factory=Budget)
    assumed_speed: float | None = None  # images per second of a GPU, for a bill without the data


_converter = cattrs.Converter(forbid_extra_keys=True)

T = TypeVar("T")


def to_dict(config: Any) -> dict[str, Any]:
    """The configuration as plain JSON values."""
    return json.loads(json.dumps(_converter.unstructure(config)))


def from_dict(cls: type[T], values: dict[str, Any]) -> T:
    """The configuration again.

    Raises:
        ValueError: an unknown or missing key or a bad value, each named on its own line.
    """
    try:
        return _converter.structure(values, cls)
    except Exception as error:
        lines = cattrs.transform_error(error, path=cls.__name__, format_exception=_explain)
        raise ValueError("\n".join(lines)) from error


def _explain(error: BaseException, expected: type | None) -> str:
    ours = type(error) is ValueError and "=" in str(error)  # written by _require
    return str(error) if ours else format_exception(error, expected)


def digest(value: Any) -> str:
    """Sixteen hex digits that identify a JSON value, whatever the order of its keys."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]
