"""Runs: what was computed, under which key, and where the predictions are kept.

A *run specification* says everything that can change a run's predictions and nothing
else; its *key* is the SHA-256 of it. The *store* keeps one file of predictions a fold.
"""

from mer_utils.runs.environment import environment
from mer_utils.runs.rows import prediction_rows
from mer_utils.runs.spec import DataSpec, ModelSpec, RunSpec
from mer_utils.runs.store import RunStore

__all__ = ["DataSpec", "ModelSpec", "RunSpec", "RunStore", "environment", "prediction_rows"]
