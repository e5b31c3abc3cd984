"""With 1,000 images of COCO, how far behind is scratch if it is tuned for itself?

    python -m study.prepare coco_1k         # or what to download, and where to put it
    python -m study.sweep coco_1k --run-dir runs/coco_1k --dry-run
    python -m study.sweep coco_1k --run-dir runs/coco_1k --workers 8
    (COCO elsewhere: --data.root /datasets/coco)

Cost: 2 arms × 8 trials. A trial runs at most 58,000 iterations of 16 images, 0.9 million images:
26 GPU-hours at an ASSUMED 10 images/s a GPU, 412 for all. Stopping the worse half at each
length saves some of it, confirm runs add to it. `--dry-run` gives the bill, and measures the speed
of your machine once the data are there. Decoded images take 2.6 MB each in $STUDY_CACHE.
Not yet run.

The paper (Sec. 5.2, one run per number), box AP on val2017, read in its text:
    ImageNet 9.9
    scratch 3.5 (3.4 in the caption of Fig. 8), with the values tuned for ImageNet
    scratch 5.4, tuned for itself: the only size at which the paper did so
    the training losses meet in the end, so that scratch generalises worse: it is not optimisation

Not known: how the images were drawn, and whether more than once; the iterations; the values that
either tuning gave, the grids, the weight decay; any spread.
The lengths are a tenth of coco_10k's, epoch for epoch (96, 192, 352), and one of twice the last,
for scratch; so is the tail: 2,000 and 700 iterations, 32,000 and 11,200 images.

Images are drawn from the 35,504 of coco_35k, by seed: they are the first of coco_10k's draws. The
tuning split is the same for all three.

What differs here: images are always resized to 800 px, for the range [512, 800] of the paper is
an augmentation that this code does not have; gradients are clipped at a norm of 10; pixels are
divided by their spread; warm-up starts from zero.
"""

from study.config import (
    R50_FPN,
    Budget,
    DataConfig,
    LogUniform,
    Nuisance,
    OptimConfig,
    RunConfig,
    ScheduleConfig,
    Scientific,
    SearchSpace,
)

DATA = DataConfig(
    name="coco",  # `python -m study.prepare` knows where it is to be had
    root="data/coco",  # --data.root names another folder
    train="annotations/instances_train2017.json",
    train_images="train2017",
    train_within="annotations/instances_val2014.json",  # the images once called val35k
    val="annotations/instances_val2017.json",
    val_images="val2017",
    tune_size=5000,  # of train2017's other images; val2017 is for the report alone
    digests={},  # as `python -m study.prepare` prints them: data with others are then refused
)

LENGTHS = (6_000, 12_000, 22_000, 44_000)

SPACE = SearchSpace(
    name="coco_1k",
    scientific=Scientific(arms=("scratch", "imagenet"), sizes=(1_000,)),
    nuisance=Nuisance(
        ranges={
            "lr": LogUniform(low=0.01, high=0.16),  # of 16 images; 0.02 is full COCO's, 0.04 35k's
            "weight_decay": LogUniform(low=1e-5, high=1e-3),  # the paper's default is 1e-4
        },
        lengths=LENGTHS,
        factors=(0.1, 0.02),  # the paper's default, and what it tuned for 35k
    ),
    fixed=RunConfig(
        data=DATA,
        model=R50_FPN,
        optim=OptimConfig(batch_size=16),
        schedule=ScheduleConfig(lengths=LENGTHS, tail=(2_000, 700), warmup=500),
        checkpoint_every=1000,
        device="auto",
    ),
    budget=Budget(trials=8, confirm=5),
    assumed_speed=10,
)
