"""Weights of whole detectors as a start: body, FPN, RPN, box and mask head.

Of which program a file is, its keys tell: torchvision's `maskrcnn_` and `fasterrcnn_resnet50_fpn`
and their v2, detectron2's model zoo, mmdetection from version 2 on, and what `study.train` leaves.
Whatever the program, the tensors come here under the names that `study.models.detector` gives
them. Classes differ from data set to data set: of the layers that depend on them, the rows of
those classes are taken whose names agree (`rows.py`). All else must fit (`architecture.py`).

Not taken over: keypoint heads of other programs, and semantic ones. Detectors of one stage and
cascades of other programs are refused. detectron2 and mmdetection pool RoIs half a pixel further
than Detectron and torchvision do; the first iterations of training have to make up for that.
"""
