"""Experiments: the tables of the companion as lists of run specifications, and profiles.

A *profile* says how large the experiments are; a *table* says what they vary. A
`Workspace` joins a profile to the data, the cache and the store on this machine.
"""

from mer_utils.experiments.datasets import DATASETS, FURTHER_DATASETS, Dataset
from mer_utils.experiments.grids import SETTINGS, TABLES, Table, add_setting
from mer_utils.experiments.profiles import PROFILES, Profile, get_profile
from mer_utils.experiments.workspace import Workspace, open_workspace

__all__ = [
    "DATASETS",
    "FURTHER_DATASETS",
    "PROFILES",
    "SETTINGS",
    "TABLES",
    "Dataset",
    "Profile",
    "Table",
    "Workspace",
    "add_setting",
    "get_profile",
    "open_workspace",
    "specs",
]


def specs(table: str, profile: str) -> list:
    """Return the run specifications of a table under a profile, on the data at hand."""
    return open_workspace(profile).specs(table)
