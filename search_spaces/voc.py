"""On PASCAL VOC, many images with few objects of few classes, does scratch ever catch up?

    python -m study.prepare voc             # checks and counts it, or says what to download
    python -m study.sweep voc --run-dir runs/voc --dry-run
    python -m study.sweep voc --run-dir runs/voc --workers 8
    (VOC elsewhere: --data.root /datasets/VOCdevkit, for each command)

Cost: 2 arms × 8 trials. A trial runs at most 186,000 iterations of 16 images, 3.0 million images:
103 GPU-hours at an ASSUMED 8 images/s a GPU, 1,653 for all. Stopping the worse half at each
length saves some of it, confirm runs add to it: 2,606.7 device-hours expected, 4,266.7 at most, as
`--dry-run` says; where the data are, it measures the speed of your machine. Decoded images take
about 25 GB in $STUDY_CACHE on a machine that runs all of it: 0.6 MB for each image trained on,
whatever draws it is in, and 2.6 MB for each evaluated on. Not yet run.

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

What differs here: the norm is synchronised BatchNorm, in both arms, FPN and box head too, for
neither timm nor torchvision has ImageNet weights of ResNet-101 with GroupNorm. So the report sets
none of the paper's numbers beside this study; the paper's claim (H13) is judged. A copy of this
file with norm="group" takes Detectron's weights: --arms scratch detectron=R-101-GN.pkl.
500 training images are held out to tune on, and 10,000 of the others are trained on. Settings are
chosen by COCO's AP; VOC's mAP is recorded beside it. Shorter sides of training images are drawn
from [640, 800], the paper's range on full COCO.
What else differs, and how to make a space of your own of this file: _paper.py.
"""

from search_spaces._paper import DETECTRON, space
from study.config import DataConfig

DATA = DataConfig(
    name="voc",  # `python -m study.prepare` knows where it is to be had
    root="data/VOCdevkit",  # --data.root names another folder
    folder=".",  # trained on trainval2007 and train2012, reported on val2012
    annotated_only="objects",  # images whose objects are all difficult teach nothing
    tune_size=500,  # of the training images; val2012 is for the report alone
    digests={},  # as `python -m study.prepare` prints them: data with others are then refused
)

SPACE = space(
    "voc",
    size=10_000,
    lengths=(18_000, 36_000, 72_000, 144_000),
    tail=(6_000, 2_000),
    data=DATA,
    model=DETECTRON.but(
        name="resnet101",
        norm="sync_batch",  # with GroupNorm no ImageNet weights of it are published
        masks=False,  # Faster R-CNN
        train_short_px=(640, 800),
    ),
    metric="voc",
    speed=8,
)
