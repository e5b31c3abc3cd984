"""On PASCAL VOC, many images with few objects of few classes, does scratch ever catch up?

    python -m study.prepare voc             # checks and counts it, or says what to download
    python -m study.sweep voc --run-dir runs/voc --dry-run
    python -m study.sweep voc --run-dir runs/voc --workers 8
    (VOC elsewhere: --data.root /datasets/VOCdevkit, for each command)

Cost: 2 arms × 8 trials. A trial runs at most 186,000 iterations of 16 images, 3.0 million images:
118 GPU-hours at an ASSUMED 7 images/s a GPU, 1,890 for all. Stopping the worse half at each
length saves some of it, confirm runs add to it. `--dry-run` gives the bill, and measures the speed
of your machine once the data are there. Decoded images take 2.6 MB each in $STUDY_CACHE.
Not yet run.

The paper (Sec. 5.2, one run per number), mAP on val2012, read in its text:
    ImageNet 82.7 after 18k iterations
    scratch 77.6 after 144k iterations; longer training does not catch up
    trained on trainval2007 and train2012, Faster R-CNN with ResNet-101, FPN and GroupNorm

Not known: rate, weight decay, batch size, image scale, where the rate dropped; any spread. That
mAP is AP50 is our reading. The paper speaks of 15,000 images; a listing of VOC's splits gives
5,011 + 5,717 = 10,728, which `study.prepare` counts. If its batch was 16, 18k and 144k iterations
are 27 and 215 epochs of those (derived).
Both lengths are in the ladder. The tail is a third and a ninth of the shortest length, as the
paper's 60k and 20k are of its 2x: 6,000 and 2,000 iterations, 96,000 and 32,000 images.

What differs here: there is only Mask R-CNN as yet, so that boxes without masks train a mask head
on boxes (read the box columns); 700 training images are held out to tune on, and 10,000 of the
others are trained on; settings are chosen by COCO's AP, AP50 stands beside it, and differs from
VOC's mAP (study/data/formats/voc.py says by what); gradients are clipped at a norm of 10;
pixels are divided by their spread.
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
    name="voc",  # `python -m study.prepare` knows where it is to be had
    root="data/VOCdevkit",  # --data.root names another folder
    folder=".",  # trained on trainval2007 and train2012, reported on val2012
    tune_size=700,  # of the training images; val2012 is for the report alone
    digests={},  # as `python -m study.prepare` prints them: data with others are then refused
)

LENGTHS = (18_000, 36_000, 72_000, 144_000)

SPACE = SearchSpace(
    name="voc",
    scientific=Scientific(arms=("scratch", "imagenet"), sizes=(10_000,)),
    nuisance=Nuisance(
        ranges={
            "lr": LogUniform(low=0.01, high=0.16),  # of 16 images; 0.02 is full COCO's
            "weight_decay": LogUniform(low=1e-5, high=1e-3),  # the paper's default is 1e-4
        },
        lengths=LENGTHS,
        factors=(0.1, 0.02),  # the paper's default, and what it tuned for 35k
    ),
    fixed=RunConfig(
        data=DATA,
        model=R50_FPN.but(name="resnet101"),
        optim=OptimConfig(batch_size=16),
        schedule=ScheduleConfig(lengths=LENGTHS, tail=(6_000, 2_000), warmup=500),
        checkpoint_every=1000,
        device="auto",
    ),
    budget=Budget(trials=8, confirm=5),
    assumed_speed=7,
)
