"""Experiments: the tables of the companion as lists of run specifications, and profiles.

A *profile* says how large the experiments are; a *table* says what they vary. A
`Workspace` joins a profile to the data, the cache and the store on this machine.
"""

from mer_utils.experiments.datasets import DATASETS, FURTHER_DATASETS, Dataset
from mer_utils.experiments.grids import TABLES, Table, run_spec
from mer_utils.experiments.profiles import PROFILES, Profile, get_profile
from mer_utils.experiments.settings import COMPARED, PARTS, add_setting, views_of
from mer_utils.experiments.workspace import Workspace, open_workspace

__all__ = [
    "COMPARED",
    "DATASETS",
    "FURTHER_DATASETS",
    "PARTS",
    "PROFILES",
    "TABLES",
    "Dataset",
    "Profile",
    "Table",
    "Workspace",
    "add_setting",
    "get_profile",
    "open_workspace",
    "run_spec",
    "specs",
    "views_of",
]


def specs(table: str, profile: str) -> list:
    """Return the run specifications of a table under a profile, on the data at hand."""
    return open_workspace(profile).specs(table)
