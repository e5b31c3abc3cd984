"""Sec. 5.2: PASCAL VOC, many images with few objects of few classes. From scratch stays behind."""

from __future__ import annotations

from dataclasses import replace

from study.config import DataConfig, EvaluationConfig
from study.recipes.base import NOTES, PRETRAINED, PRETRAINED_NOTES, mask_rcnn
from study.recipes.paper.fig5 import SCALES
from study.recipes.paper.table1 import R101
from study.recipes.recipe import Recipe, rows, varied

VOC = DataConfig(
    name="voc",  # `python -m study.prepare` knows where it is to be had
    root="data/VOCdevkit",  # --data.root names another folder
    folder=".",  # trained on trainval2007 and train2012, reported on val2012
    annotated_only="objects",
    tune_size=0,  # nothing is tuned
)

IMAGES = 10_728  # 5,011 + 5,717, as a listing of VOC's splits counts them
SHORT, LONG = 18_000, 144_000


def scratch() -> Recipe:
    run = mask_rcnn()
    return Recipe(
        name="voc/r101-scratch",
        reproduces="Sec. 5.2: VOC, Faster R-CNN R101-FPN GN, from scratch",
        run=replace(
            run,
            size=IMAGES,
            data=VOC,
            model=replace(R101, masks=False, train_short_px=SCALES),
            schedule=replace(run.schedule, lengths=(SHORT, LONG), tail=(6_000, 2_000)),
            evaluation=EvaluationConfig(metric="voc"),
        ),
        paper=rows("mAP_voc12", {LONG: 77.6}, "Sec. 5.2, text"),
        notes=(
            *NOTES,
            "learning rate, weight decay, batch and image scale are not stated: they are full"
            " COCO's, with the scale augmentation of Fig. 5",
            "where the rate dropped is not stated: a third and a ninth of the shorter length"
            " before the end, as with COCO's 2x",
            "which mAP is meant is not stated: it stands beside the one by area, of VOC from 2010"
            " on",
            "the paper speaks of 15k images; no union of VOC's splits has so many",
        ),
    )


def pretrained() -> Recipe:
    return varied(
        scratch(),
        "voc/r101-pretrain",
        "Sec. 5.2: VOC, Faster R-CNN R101-FPN GN, pre-trained",
        run=PRETRAINED,
        paper=rows("mAP_voc12", {SHORT: 82.7}, "Sec. 5.2, text"),
        notes=PRETRAINED_NOTES,
    )


RECIPES = (scratch, pretrained)
