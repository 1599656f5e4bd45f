"""Experiments: the tables as lists of run specifications, profiles, and their results.

A *profile* says how large the experiments are; a *table* says what they vary and what they ask.
A `Workspace` joins a profile to the data, the cache and the store on this machine.
"""

from mer_utils.experiments.own_predictions import read_predictions
from mer_utils.experiments.profiles import PROFILES, ModelPlan, Profile
from mer_utils.experiments.questions import Pair, Question
from mer_utils.experiments.results import differences, in_order, on_view, read, scores
from mer_utils.experiments.scorecard import Scorecard
from mer_utils.experiments.settings import PAPER
from mer_utils.experiments.tables import COMPARED, CONTROLS, PARTS, TABLES, Table, run_spec
from mer_utils.experiments.workspace import Workspace, open_workspace

__all__ = [
    "COMPARED",
    "CONTROLS",
    "PAPER",
    "PARTS",
    "PROFILES",
    "TABLES",
    "ModelPlan",
    "Pair",
    "Profile",
    "Question",
    "Scorecard",
    "Table",
    "Workspace",
    "differences",
    "in_order",
    "on_view",
    "open_workspace",
    "read",
    "read_predictions",
    "run_spec",
    "scores",
]
