"""With 10,000 images of COCO, does training from scratch still catch up, and when?

    python -m study.prepare coco_10k        # or what to download, and where to put it
    python -m study.sweep coco_10k --run-dir runs/coco_10k --dry-run
    python -m study.sweep coco_10k --run-dir runs/coco_10k --workers 8
    (COCO elsewhere: --data.root /datasets/coco)

Cost: 2 arms × 8 trials. A trial runs at most 320,000 iterations of 16 images, 5.1 million images:
142 GPU-hours at an ASSUMED 10 images/s a GPU, 2,276 for all. Stopping the worse half at each
length saves some of it, confirm runs add to it: 3,457.8 device-hours expected, 5,724.4 at most, as
`--dry-run` says; where the data are, it measures the speed of your machine. Decoded images take
about 55 GB in $STUDY_CACHE on a machine that runs all of it: 0.84 MB for each image trained on,
whatever draws it is in, and 2.7 MB for each evaluated on. Not yet run.

The paper (Sec. 5.2, one run per number), box AP on val2017, read in its text:
    ImageNet 26.0 after 60k iterations, declining slightly after
    scratch 25.9 after 220k iterations, with the values tuned for ImageNet
Derived: 60k and 220k iterations of 16 images are 96 and 352 epochs.

Not known: how the images were drawn, and whether more than once; the values that the tuning gave
(they are published for 35k alone: rate 0.04, drop factor 0.02, shorter side from [512, 800]), the
grid, the weight decay; where the rate dropped; any spread.
Both lengths are in the ladder. The tail is about a third and a ninth of the shortest length, as
the paper's 60k and 20k are of its 2x: 20,000 and 7,000 iterations, 320,000 and 112,000 images.

Images are drawn from those of coco_35k, by seed: coco_1k's are the first of each draw. The tuning
split is the same for all three.

Shorter sides of training images are drawn from 35k's [512, 800], and are not searched. What else
differs from the paper, and how to make a space of your own of this file: _paper.py.
"""

from search_spaces._paper import space

SPACE = space(
    "coco_10k",
    size=10_000,
    lengths=(60_000, 120_000, 220_000),
    tail=(20_000, 7_000),
)
