"""With 35,504 images of COCO, what is ImageNet pre-training worth once both sides are tuned?

    python -m study.prepare coco_35k        # or what to download, and where to put it
    python -m study.sweep coco_35k --run-dir runs/coco_35k --dry-run
    python -m study.sweep coco_35k --run-dir runs/coco_35k --workers 8
    (COCO elsewhere: --data.root /datasets/coco)

Cost: 2 arms × 8 trials. A trial runs at most 840,000 iterations of 16 images, 13.4 million images:
373 GPU-hours at an ASSUMED 10 images/s a GPU, 5,973 for all. Stopping the worse half at each
length saves some of it, confirm runs add to it. `--dry-run` gives the bill, and measures the speed
of your machine once the data are there. Decoded images take 2.6 MB each in $STUDY_CACHE, 120 GB
in all. Not yet run.

The paper (Sec. 5.2, one run per number), box AP on val2017, read in its text:
    ImageNet 36.3, best at 540k iterations; scratch 36.3, with the values tuned for ImageNet
    with full COCO's recipe ImageNet overfits; its value is in a picture only
    tuned for ImageNet, by a grid: rate 0.04 (default 0.02), drop factor 0.02 (default 0.1),
    shorter side of training images from [512, 800] (default 800)
Derived: 540k iterations are 243 epochs; 35,504 = 118,287 - 82,783, train2017 less train2014.

Not known: the grid; the weight decay; what scratch reaches with values of its own; any spread.
The lengths are its 2x, 4x and 6x of full COCO, whose tail it states for every length: 60k and 20k
iterations, which are 960,000 and 320,000 images.

The images are those of train2017 that val2014 has too. coco_10k and coco_1k draw from the same
ones, so that 1k lies in 10k and 10k in 35k for each draw; all three tune on the same 5,000 others.

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

LENGTHS = (180_000, 360_000, 540_000)

SPACE = SearchSpace(
    name="coco_35k",
    scientific=Scientific(arms=("scratch", "imagenet"), sizes=(35_504,)),
    nuisance=Nuisance(
        ranges={
            "lr": LogUniform(low=0.01, high=0.16),  # of 16 images; the paper's 0.04 is the middle
            "weight_decay": LogUniform(low=1e-5, high=1e-3),  # the paper's default is 1e-4
        },
        lengths=LENGTHS,
        factors=(0.1, 0.02),  # the paper's default, and what it tuned for 35k
    ),
    fixed=RunConfig(
        data=DATA,
        model=R50_FPN,
        optim=OptimConfig(batch_size=16),
        schedule=ScheduleConfig(lengths=LENGTHS, tail=(60_000, 20_000), warmup=500),
        checkpoint_every=1000,
        device="auto",
    ),
    budget=Budget(trials=8, confirm=5),
    assumed_speed=10,
)
