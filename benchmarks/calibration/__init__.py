"""How often the analysis is right: thousands of studies whose truth is known, made in memory.

    python -m benchmarks.calibration [STUDIES] [SCENARIO]

A study here is what a sweep leaves behind, without the training: AP is a smooth surface over
learning rate, weight decay and length, one for each arm and size, and around it there is noise by
seed and draw (shared in part by the arms, and by the sizes, whose subsets are nested), by run, and
by the images of the report split. The points are the sweep's own Sobol points, trials stop by its
own halving, the best on the tuning split is confirmed with paired seeds on the report split.
`analysis` gets the frames and is asked what it always is; what it says is compared with the truth.

The spreads are those of the real runs in benchmarks/rungs.csv, where the arms' difference has a
standard deviation of 1.7 AP at 64 images and 1.4 AP at 1,024.
"""

from __future__ import annotations
