"""From how many images on does a network with random weights catch up with a pre-trained one?

    python -m study.sweep crossover --run-dir runs/crossover
    python -m analysis runs/crossover

The question of `shapes` at three sizes, with lengths that grow up to twice while an arm gains from
them: `--dry-run` says 23 minutes on two CPU cores. The report shows at how many images the lead
ends, with an interval, and how many images pre-training is worth.
"""

from dataclasses import replace

from search_spaces.shapes import SPACE as SHAPES
from study.config import Budget, Scientific

SPACE = replace(
    SHAPES,
    name="crossover",
    scientific=Scientific(arms=("scratch", "pretext"), sizes=(64, 256, 1024)),
    nuisance=replace(
        SHAPES.nuisance, lengths=(100, 300), longer={256: (300, 900), 1024: (900, 2500)}
    ),
    budget=Budget(trials=2, confirm=3, cross=0, audit=0, extend=0, growth=1.5, max_times=2.0),
)
