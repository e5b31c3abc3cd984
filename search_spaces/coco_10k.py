"""With 10,000 images of COCO, does training from scratch still catch up, and when?

    python -m study.prepare coco_10k        # or what to download, and where to put it
    python -m study.sweep coco_10k --run-dir runs/coco_10k --dry-run
    python -m study.sweep coco_10k --run-dir runs/coco_10k --workers 8
    (COCO elsewhere: --data.root /datasets/coco)

Cost: 2 arms × 8 trials. A trial runs at most 320,000 iterations of 16 images, 5.1 million images:
142 GPU-hours at an ASSUMED 10 images/s a GPU, 2,276 for all. Stopping the worse half at each
length saves some of it, confirm runs add to it. `--dry-run` gives the bill, and measures the speed
of your machine once the data are there. Decoded images take 2.6 MB each in $STUDY_CACHE.
Not yet run.

The paper (Sec. 5.2, one run per number), box AP on val2017, read in its text:
    ImageNet 26.0 after 60k iterations, declining slightly after
    scratch 25.9 after 220k iterations, with the values tuned for ImageNet
Derived: 60k and 220k iterations of 16 images are 96 and 352 epochs.

Not known: how the images were drawn, and whether more than once; the values that the tuning gave
(they are published for 35k alone: rate 0.04, drop factor 0.02, shorter side from [512, 800]), the
grid, the weight decay; where the rate dropped; any spread.
Both lengths are in the ladder. The tail is about a third and a ninth of the shortest length, as
the paper's 60k and 20k are of its 2x: 20,000 and 7,000 iterations, 320,000 and 112,000 images.

Images are drawn from the 35,504 of coco_35k, by seed: coco_1k's are the first of each draw. The
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

LENGTHS = (60_000, 120_000, 220_000)

SPACE = SearchSpace(
    name="coco_10k",
    scientific=Scientific(arms=("scratch", "imagenet"), sizes=(10_000,)),
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
        schedule=ScheduleConfig(lengths=LENGTHS, tail=(20_000, 7_000), warmup=500),
        checkpoint_every=1000,
        device="auto",
    ),
    budget=Budget(trials=8, confirm=5),
    assumed_speed=10,
)
