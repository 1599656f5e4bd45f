"""Runs: what was computed, under which key, where it is kept, and where folds are computed.

A *run specification* says everything that can change a run's predictions and nothing
else; its *key* is the SHA-256 of it. The *store* keeps one file of predictions per fold, and
one per run once that is complete. The unit of work is a `Job`: one run specification and one
held-out subject. A fold that is done is in the store; everything else can be repeated at any
time, anywhere.
"""

# ruff: noqa: E402 (what the room needs is asked for before its modules are)
from mer_utils.extras import require

require("pyarrow", "stats")

from mer_utils.runs.archive import Merged, export, merge, unpacked
from mer_utils.runs.data import Context, Data, load_views, prepare_views
from mer_utils.runs.environment import environment
from mer_utils.runs.executor import EXECUTORS, Executor, open_executor
from mer_utils.runs.fold import Job, Outcome, compute_fold, run_fold
from mer_utils.runs.rows import prediction_rows
from mer_utils.runs.run import Report, run
from mer_utils.runs.spec import DataSpec, ModelSpec, RunSpec
from mer_utils.runs.store import RunStore
from mer_utils.runs.weights import fetch_weights, require_weights

__all__ = [
    "EXECUTORS",
    "Context",
    "Data",
    "DataSpec",
    "Executor",
    "Job",
    "Merged",
    "ModelSpec",
    "Outcome",
    "Report",
    "RunSpec",
    "RunStore",
    "compute_fold",
    "environment",
    "export",
    "fetch_weights",
    "load_views",
    "merge",
    "open_executor",
    "prediction_rows",
    "prepare_views",
    "require_weights",
    "run",
    "run_fold",
    "unpacked",
]
