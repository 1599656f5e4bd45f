"""Add a table: train on one half of the clip, on the other, and on both."""

from mer_utils import experiments, runs
from mer_utils.experiments import TABLES, Table, run_spec

HALVES = ("onset_apex only", "apex_offset only", "halves")


def grid(profile, data):
    """Yield one run per data set and training set."""
    for one in data:
        for training_set in HALVES:
            yield run_spec(profile, one, "learnet", train=training_set)


TABLES.register(Table("one_half", "One half", "training set", grid))
workspace = experiments.open_workspace("smoke", datasets=["casme2"])
jobs = workspace.jobs(workspace.specs("one_half"))
print(runs.run(jobs, workspace.context).done, "folds computed")
