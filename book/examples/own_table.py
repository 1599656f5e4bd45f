"""Add a table: train on one half of the clip, on the other, and on both."""

from mer_utils import experiments, runs
from mer_utils.experiments import TABLES, Table, run_spec

HALVES = (("onset_apex",), ("apex_offset",), ("onset_apex", "apex_offset"))


def grid(profile, data):
    """Yield one run a data set and training set."""
    for one in data:
        for views in HALVES:
            yield run_spec(profile, one, "learnet", train_views=views)


TABLES["halves"] = Table("halves", "One half", "training views", grid)
workspace = experiments.open_workspace("smoke", datasets=["casme2"])
jobs = workspace.jobs(workspace.specs("halves"))
print(runs.run(jobs, workspace.context).done, "folds computed")
