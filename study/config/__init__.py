"""The whole truth about a run: frozen, validated dataclasses without defaults hidden elsewhere.

A value is checked where it is born, so that a bad one is named before any work starts. The
classes know nothing of torch or ray; a run's configuration travels as the plain dictionary of
`to_dict` and is built again by `from_dict`, which refuses unknown keys.
"""

from study.config.body import LITE0, BodyConfig
from study.config.data import PATHS, DataConfig
from study.config.evaluation import EvaluationConfig
from study.config.model import DETECTORS, R50_FPN, TINY, ModelConfig
from study.config.plain import digest, from_dict, to_dict
from study.config.run import OptimConfig, RunConfig
from study.config.schedule import ScheduleConfig
from study.config.space import Budget, LogUniform, Nuisance, Scientific, SearchSpace

__all__ = [
    "DETECTORS",
    "LITE0",
    "PATHS",
    "R50_FPN",
    "TINY",
    "BodyConfig",
    "Budget",
    "DataConfig",
    "EvaluationConfig",
    "LogUniform",
    "ModelConfig",
    "Nuisance",
    "OptimConfig",
    "RunConfig",
    "ScheduleConfig",
    "Scientific",
    "SearchSpace",
    "digest",
    "from_dict",
    "to_dict",
]
