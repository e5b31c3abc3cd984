"""The run directory: the only place that knows its files.

The directory is the whole state of a study, in a folder or on an object store (`study.storage`).
Drivers and workers may die at any moment, so every file is either replaced atomically or appended
to in whole lines, and a line torn by a kill is dropped by the next reader. Nothing here knows
torch: a checkpoint is bytes.

    RUN_DIR/
      study.json              question, budget, versions, data digests, when complete
      standing.json           how far its sweep was, for how long it has run, and the time left
      report_split.json.gz    the ground truth of the report split (detection_files.py)
      trials/<trial_id>/
        config.json           {"role", "index", "strategy", "run": the whole RunConfig, ...}
        init_report.json      loaded / random / frozen, per group of parameters
        records.jsonl         one evaluation a line
        events.jsonl          changes of state, and the cost so far, one a line
        traceback.txt         of the last failure
        detections-*.parquet  of confirm runs: what they detect (detection_files.py)
        *.pt                  the two latest checkpoints; removed when not needed
        *.damaged             what was found damaged and set aside (mending.py)
      *.copy                  of JSON files that follow from nothing else that is here
      logs/                   of --log-to (study/cluster/logs); derived, like optuna.journal
      report/                 written by `python -m analysis`
"""

from study.storage.run_dir.json_text import Damaged
from study.storage.run_dir.sound import COSTS
from study.storage.run_dir.study_dir import DifferentQuestion, StudyDir
from study.storage.run_dir.trial_dir import Record, State, TrialDir

__all__ = ["COSTS", "Damaged", "DifferentQuestion", "Record", "State", "StudyDir", "TrialDir"]
