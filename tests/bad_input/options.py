"""Options of the commands: misspelt, of the wrong kind, beyond what they can be."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PIL import Image

from tests.bad_input.case import Case


def sweep(*options: str):
    """A sweep of the embedded data with these options."""

    def command(_: Path) -> list[str]:
        return ["study.sweep", "shapes", "--run-dir", "runs/x", *options]

    return command


def train(*options: str):
    """A training with these options."""

    def command(_: Path) -> list[str]:
        return ["study.train", "--run-dir", "runs/x", *options]

    return command


def plain(*words: str):
    """A command as it stands."""

    def command(_: Path) -> list[str]:
        return list(words)

    return command


def refused(options: str, *says: str) -> Case:
    """A sweep that refuses these options, which it names."""
    return Case(f"sweep {options}", sweep(*options.split()), says)


SWEEP = [
    refused("--trails 3", "--trails", "did you mean --trials?"),
    refused("--tirals 3", "did you mean --trials?"),
    refused("--tail every", "did you mean --tails?"),
    refused("--finalist 2", "did you mean --finalists?"),
    refused("--epochs 3", "--epochs", "did you mean --lengths?"),
    refused("--backbone resnet50", "did you mean --model?"),
    refused("--gpus 1", "did you mean --gpus-per-trial?"),
    refused("--jobs 2", "did you mean --max-concurrent?"),
    refused("--hours 2", "did you mean --max-hours?"),
    refused("--qqqqqqqqq 2", "--qqqqqqqqq: no such option", "--help lists them"),
    refused("--trials", "--trials: has no value", "a whole number"),
    refused("--trials three", "--trials: 'three'", "a whole number"),
    refused("--trials 1.5", "--trials: '1.5'", "a whole number"),
    refused("--trials 1e400", "--trials: '1e400'", "a whole number"),
    refused("--trials 0", "--trials = 0"),
    refused("--trials -1", "--trials = -1"),
    refused("--trials 1000000000", "--trials = 1000000000", "10,000"),
    refused("--max-images inf", "--max-images = inf", "above 0"),
    refused("--max-images nan", "--max-images = nan"),
    refused("--max-images -5", "--max-images = -5"),
    refused("--max-images 1e300", "--max-images", "at most"),
    refused("--max-hours inf", "--max-hours = inf", "above 0"),
    refused("--max-hours nan", "--max-hours = nan"),
    refused("--max-hours 0", "--max-hours = 0"),
    refused("--max-hours -1", "--max-hours = -1"),
    refused("--max-hours 2 --trials 3", "trials and max_hours", "give one of them"),
    refused("--confirm 1e9", "--confirm: '1e9'", "a whole number"),
    refused("--confirm 1000000000", "--confirm = 1000000000", "1,000"),
    refused("--confirm -1", "--confirm = -1"),
    refused("--cross -1", "--cross = -1"),
    refused("--finalists 1000 --trials 8", "--finalists = 1000", "8 trials"),
    refused("--finalists 0", "--finalists = 0"),
    refused("--within nan", "--within = nan"),
    refused("--within 0", "--within = 0"),
    refused("--within 1e-9", "--within = 1e-09", "0.01"),
    refused("--most-confirm 1", "--most-confirm = 1"),
    refused("--within 2 --most-confirm 3", "--most-confirm = 3", "at least 4 with --within"),
    refused("--sizes auto --max-images 1e6", "--max-images = 1e+06", "give --trials"),
    refused("--sizes auto --max-hours 3", "--max-hours = 3", "give --trials"),
    refused("--most-confirm 99999999", "--most-confirm", "1,000"),
    refused("--audit 1.5", "--audit = 1.5", "between 0 and 1"),
    refused("--audit nan", "--audit = nan"),
    refused("--growth 0.5", "--growth = 0.5"),
    refused("--growth inf", "--growth = inf"),
    refused("--growth 1e9", "--growth", "at most 100"),
    refused("--max-length 0", "--max-length = 0"),
    refused("--max-length 99999999999", "--max-length", "100,000,000"),
    refused("--extend sometimes", "--extend: 'sometimes'", "auto, never"),
    refused("--sizes", "--sizes = ()"),
    refused("--sizes 0", "--sizes = (0,)", "at least 1"),
    refused("--sizes 64 64", "--sizes = (64, 64)", "ascending"),
    refused("--sizes 64 24", "--sizes = (64, 24)", "ascending"),
    refused("--sizes sixty", "--sizes: 'sixty'", "whole numbers"),
    refused("--sizes 99999999999", "--sizes = (99999999999,)", "100,000,000"),
    refused("--lengths", "--lengths = ()"),
    refused("--lengths 20 40", "--lengths = (20, 40)", "tail of 60"),
    refused("--lengths 400 200", "--lengths = (400, 200)", "ascending"),
    refused("--lengths 99999999999", "--lengths", "100,000,000"),
    refused("--lengths 100 x", "--lengths: '100 x'", "whole numbers"),
    refused("--arms", "--arms", "none is named"),
    refused("--arms scratch scratch", "--arms = ('scratch', 'scratch')", "each once"),
    refused("--arms scrach", "--arms", "did you mean 'scratch'?"),
    refused("--arms imagnet", "--arms", "did you mean 'imagenet'?"),
    refused("--arms ../..", "--arms", "'../..'", "weights file"),
    refused("--arms 日本", "--arms", "'日本'", "weights file"),
    refused("--model resnt50", "--model = 'resnt50'", "did you mean 'resnet50'?"),
    refused("--detector ful", "--detector: 'ful'", "did you mean full?"),
    refused("--search sobl", "--search = 'sobl'", "did you mean 'sobol'?"),
    refused("--search cmaes", "--search = 'cmaes'", "use tpe"),
    refused("--then foo", "--then = 'foo'", "tpe"),
    refused("--paired -1", "--paired = -1"),
    refused("--paired 1000000000", "--paired", "10,000"),
    refused("--stopping halvin", "--stopping = 'halvin'", "did you mean 'halving'?"),
    refused("--halving.eta 1", "--halving.eta = 1", "at least 2"),
    refused("--halving.eta 1000000000000", "--halving.eta", "1,000,000"),
    refused("--halving.earliest nan", "--halving.earliest = nan"),
    refused("--halving.bracket 1", "--halving.bracket = 1"),
    refused("--best.trials 2", "--best.trials = 2", "--stopping best"),
    refused("--stopping none --compare average", "--compare = 'average'", "--stopping none"),
    refused("--stopping none --audit 0.5", "--audit = 0.5", "no trial stops early"),
    refused("--then none --paired 4", "--paired = 4", "--then"),
    refused("--search grid --paired 4", "--paired = 4", "leave it out"),
    refused("--most-confirm 8", "--most-confirm = 8", "only with --within"),
    refused("--growth 1 --max-length 900", "--max-length = 900", "--growth 1.5"),
    refused("--cross 5 --confirm 2", "--cross = 5", "of 2 confirm runs"),
    refused("--trials 4 --trials 8", "--trials: is given twice, with '4' and '8'"),
    refused("--stopping best --best.trials 0", "--best.trials = 0", "at least 1"),
    refused("--stopping best --best.trials 1000000000", "--best.trials", "1,000,000"),
    refused("--stopping best --best.rung 1000000000", "--best.rung", "1,000,000"),
    refused("--schedule sharde", "--schedule: 'sharde'", "did you mean shared?"),
    refused("--compare foo", "--compare: 'foo'", "average"),
    refused("--tails lst", "--tails: 'lst'", "did you mean last?"),
    refused("--seed -1", "--seed = -1"),
    refused("--seed 99999999999999999999", "--seed", "9,223,372,036,854,773"),
    refused("--seed 1800000000000000000", "--seed", "9,223,372,036,854,773"),
    refused("--workers 0", "--workers = 0"),
    refused("--workers 3", "--workers = 3", "must divide the batch of 4"),
    refused("--workers 1000000000", "--workers", "4,096"),
    refused("--max-concurrent 0", "--max-concurrent = 0"),
    refused("--max-concurrent 1000000000", "--max-concurrent", "10,000"),
    refused("--gpus-per-trial nan", "--gpus-per-trial = nan"),
    refused("--gpus-per-trial -1", "--gpus-per-trial = -1"),
    refused("--device gpu", "--device: 'gpu'", "auto, cpu, cuda"),
    refused("--compute float16", "--compute: 'float16'", "did you mean bfloat16?"),
    refused("--log-to tensorbord", "--log-to: 'tensorbord'", "did you mean tensorboard?"),
    refused("--price-per-hour 2.5", "--price-per-hour", "--dry-run"),
    refused("--price-per-hour x --dry-run", "--price-per-hour = 'x'", "a number"),
    refused("--dry-run=yes", "--dry-run"),
    refused("--skip-bad 3", "3"),
    refused("more words", "more", "--help"),
    Case(f"sweep --seed {'9' * 5000}", sweep("--seed", "9" * 5000), ("--seed", "…")),
    Case("sweep with a blank as an arm", sweep("--arms", " "), ("--arms",)),
    Case("sweep with an empty arm", sweep("--arms", ""), ("--arms",)),
    Case("a sweep without a folder", plain("study.sweep", "shapes"), ("--run-dir: is missing",)),
    Case("a port that is none", plain("study.sweep", "--watch", "x", "--port", "a"), ("--port",)),
    Case("a status of nothing", plain("study.sweep", "--status", "none"), ("holds no study",)),
    Case("a space that is none", plain("study.sweep", "shapse", "--run-dir", "r"), ("'shapes'?",)),
]

TRAIN = [
    Case(f"train {options}", train(*options.split()), tuple(says))
    for options, *says in (
        ("--lr nan", "--lr = nan"),
        ("--lr inf", "--lr = inf"),
        ("--lr 0", "--lr = 0", "above 0"),
        ("--lr", "--lr: has no value"),
        ("--lr abc", "--lr: 'abc'", "a number"),
        ("--learning-rate 0.1", "did you mean --lr?"),
        ("--weight-decay -1", "--weight-decay = -1"),
        ("--batch-size 0", "--batch-size = 0"),
        ("--batch-size 99999999999", "--batch-size", "1,000,000"),
        ("--short-px 0", "--short-px = 0", "32"),
        ("--short-px 9999999", "--short-px", "20,000"),
        ("--crop-px 33", "--crop-px = 33", "multiple of 32"),
        ("--lengths 10", "--lengths = (10,)", "tail of 50"),
        ("--tail 5 10", "--tail = (5, 10)"),
        ("--tail 5", "--tail: '5'", "two whole numbers"),
        ("--factor nan", "--factor = (nan,)"),
        ("--factor", "--factor = ()"),
        ("--size 0", "--size = 0"),
        ("--threads 99999", "--threads", "4,096"),
        ("--draw -1", "--draw = -1"),
        ("--split val", "--split: 'val'", "report"),
        ("--precision float16", "--precision: 'float16'", "float32"),
        ("--tiny", "--tiny", "recipe"),
        ("table1/r50-gn-scrach", "did you mean table1/r50-gn-scratch"),
    )
]


def pictures(*words: str) -> Callable[[Path], list[str]]:
    """A pre-training on four pictures of two classes."""

    def command(folder: Path) -> list[str]:
        for name in ("a/0.png", "a/1.png", "b/0.png", "b/1.png"):
            (folder / name).parent.mkdir(exist_ok=True)
            Image.new("RGB", (40, 40)).save(folder / name)
        usual = {"--images": ".", "--out": "w.safetensors"}
        left = [word for name in usual.keys() - set(words) for word in (name, usual[name])]
        return ["study.prepare", "pretext", *left, *words]

    return command


PRETEXT = [
    Case(f"pretext {option} {value}", pictures(option, value), (option, said))
    for option, value, said in (
        ("--epochs", "nan", "above 0, at most 1,000,000"),
        ("--epochs", "inf", "above 0, at most 1,000,000"),
        ("--epochs", "1e300", "above 0, at most 1,000,000"),
        ("--epochs", "0", "above 0"),
        ("--lr", "nan", "above 0"),
        ("--lr", "inf", "at most 1000"),
        ("--lr", "-1", "above 0"),
        ("--image-px", "0", "from 32 to 2,048 px"),
        ("--image-px", "100000", "from 32 to 2,048 px"),
        ("--batch-size", "1", "from 2 to 1,000,000 images"),
        ("--batch-size", "99999999999", "1,000,000"),
        ("--seed", "-1", "from 0 to"),
        ("--seed", "99999999999999999999999", "from 0 to"),
    )
]

OTHERS = [
    Case(" ".join(words), plain(*words), says)
    for words, says in (
        (("study.train",), ("--run-dir",)),
        (("study.train", "--best", "none", "--out", "d"), ("none", "holds no study")),
        (("study.train", "--best", "none"), ("--out: is missing",)),
        (("study.prepare", "shapes", "--draws", "1000000000"), ("--draws", "1,000")),
        (("study.prepare", "shapes", "--draws", "-1"), ("--draws = -1",)),
        (("study.prepare", "shapes", "--sizes", "99999999999"), ("--sizes", "100,000,000")),
        (("study.prepare", "shapse"), ("did you mean 'shapes'?",)),
        (("study.prepare", "models", "--x"), ("--x: no such option",)),
        (("study.prepare", "sync", "a"), ("FOLDER: is missing",)),
        (("study.prepare", "pretext", "--lr", "1"), ("--images",)),
        (("study.prepare", "pretext", "--labels", "non"), ("--labels: 'non'", "none?")),
        (("study.predict",), ("is missing",)),
        (("study.predict", "a", "b"), ("--out: is missing",)),
        (("study.predict", "a", "b", "--output", "o"), ("did you mean --out?",)),
        (
            ("study.predict", "a", "b", "--out", "o", "--score-threshold", "nan"),
            ("--score-threshold = nan", "from 0 to 1"),
        ),
        (
            ("study.predict", "a", "b", "--out", "o", "--batch-size", "0"),
            ("--batch-size = 0",),
        ),
        (
            ("study.predict", "a", "b", "--out", "o", "--batch-size", "9999999999"),
            ("--batch-size", "1,000,000"),
        ),
        (("study.predict", "a", "b", "--out", "o"), ("a: holds no detector",)),
        (("study.export", "a", "b.onx", "--height", "1", "--width", "1"), (".onnx",)),
        (("study.export", "a", "b.onnx", "--height", "1"), ("--width: is missing",)),
        (("study.export", "a", "b.onnx", "--height", "0", "--width", "1"), ("--height = 0",)),
        (
            ("study.export", "a", "b.onnx", "--height", "99999999", "--width", "1"),
            ("--height", "20,000"),
        ),
    )
]

CASES = [*SWEEP, *TRAIN, *PRETEXT, *OTHERS]
