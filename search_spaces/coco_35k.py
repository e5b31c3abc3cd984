"""With 35,000 images of COCO, what is ImageNet pre-training worth once both sides are tuned?

    python -m study.prepare coco_35k        # or what to download, and where to put it
    python -m study.sweep coco_35k --run-dir runs/coco_35k --dry-run
    python -m study.sweep coco_35k --run-dir runs/coco_35k --workers 8
    (COCO elsewhere: --data.root /datasets/coco)

Cost: 2 arms × 8 trials. A trial runs at most 840,000 iterations of 16 images, 13.4 million images:
373 GPU-hours at an ASSUMED 10 images/s a GPU, 5,973 for all. Stopping the worse half at each
length saves some of it, confirm runs add to it: 7,346.7 device-hours expected, 14,826.7 at most,
as `--dry-run` says; where the data are, it measures the speed of your machine. Not yet run.
Decoded images take about 57 GB in $STUDY_CACHE on a machine that runs all of it: 0.84 MB for each
image trained on, whatever draws it is in, and 2.7 MB for each evaluated on.

The paper (Sec. 5.2, one run per number), box AP on val2017, read in its text:
    ImageNet 36.3, best at 540k iterations; scratch 36.3, with the values tuned for ImageNet
    with full COCO's recipe ImageNet overfits; its value is in a picture only
    tuned for ImageNet, by a grid: rate 0.04 (default 0.02), drop factor 0.02 (default 0.1),
    shorter side of training images from [512, 800] (default 800)
Derived: 540k iterations are 243 epochs; 35,504 = 118,287 - 82,783, train2017 less train2014.

Not known: the grid; the weight decay; what scratch reaches with values of its own; any spread.
The lengths are its 2x, 4x and 6x of full COCO, whose tail it states for every length: 60k and 20k
iterations, which are 960,000 and 320,000 images.

The images are those of train2017 that val2014 has too, without those that have no object. How many
these are was not counted here; 35,000 leaves room for 504 without one, and a study that asks for
too many is refused with their number. coco_10k and coco_1k draw from the same ones, so that 1k
lies in 10k and 10k in 35k for each draw; all three tune on the same 5,000 others.

Shorter sides of training images are drawn from the paper's [512, 800], and are not searched. What
else differs from the paper, and how to make a space of your own of this file: _paper.py.
"""

from search_spaces._paper import space

SPACE = space(
    "coco_35k",
    size=35_000,
    lengths=(180_000, 360_000, 540_000),  # the paper's 2x, 4x and 6x
    tail=(60_000, 20_000),
)
