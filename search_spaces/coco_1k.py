"""With 1,000 images of COCO, how far behind is scratch if it is tuned for itself?

    python -m study.prepare coco_1k         # or what to download, and where to put it
    python -m study.sweep coco_1k --run-dir runs/coco_1k --dry-run
    python -m study.sweep coco_1k --run-dir runs/coco_1k --workers 8
    (COCO elsewhere: --data.root /datasets/coco)

Cost: 2 arms × 8 trials. A trial runs at most 58,000 iterations of 16 images, 0.9 million images:
26 GPU-hours at an ASSUMED 10 images/s a GPU, 412 for all. Stopping the worse half at each
length saves some of it, confirm runs add to it: 646.2 device-hours expected, 1,059.6 at most, as
`--dry-run` says; where the data are, it measures the speed of your machine. Decoded images take
about 32 GB in $STUDY_CACHE on a machine that runs all of it: 0.84 MB for each image trained on,
whatever draws it is in, and 2.7 MB for each of the 10,000 evaluated on. Not yet run.

The paper (Sec. 5.2, one run per number), box AP on val2017, read in its text:
    ImageNet 9.9
    scratch 3.5 (3.4 in the caption of Fig. 8), with the values tuned for ImageNet
    scratch 5.4, tuned for itself: the only size at which the paper did so
    the training losses meet in the end, so that scratch generalises worse: it is not optimisation

Not known: how the images were drawn, and whether more than once; the iterations; the values that
either tuning gave, the grids, the weight decay; any spread.
The lengths are a tenth of coco_10k's, epoch for epoch (96, 192, 352), and one of twice the last,
for scratch; so is the tail: 2,000 and 700 iterations, 32,000 and 11,200 images.

Images are drawn from those of coco_35k, by seed: they are the first of coco_10k's draws. The
tuning split is the same for all three.

Shorter sides of training images are drawn from 35k's [512, 800], and are not searched. What else
differs from the paper, and how to make a space of your own of this file: _paper.py.
"""

from search_spaces._paper import space

SPACE = space(
    "coco_1k",
    size=1_000,
    lengths=(6_000, 12_000, 22_000, 44_000),
    tail=(2_000, 700),
)
