"""Execution: where folds run, and what happens when one fails or is killed.

The unit of work is a `Job`: one run specification and one held-out subject. A fold that
is done is in the store; everything else can be repeated at any time, anywhere.
"""

from mer_utils.execution.data import Context, load_clips, load_views, prepare_views
from mer_utils.execution.executor import EXECUTORS, Executor, open_executor
from mer_utils.execution.fold import Job, Outcome, compute_fold, run_fold
from mer_utils.execution.run import Report, run
from mer_utils.execution.weights import require_weights

__all__ = [
    "EXECUTORS",
    "Context",
    "Executor",
    "Job",
    "Outcome",
    "Report",
    "compute_fold",
    "load_clips",
    "load_views",
    "open_executor",
    "prepare_views",
    "require_weights",
    "run",
    "run_fold",
]
