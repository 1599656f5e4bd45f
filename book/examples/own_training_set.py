"""Add a training set: the whole clip, and its fall in both directions."""

from mer_utils import experiments, phases, runs
from mer_utils.experiments import run_spec

views = ("full", "apex_offset", "offset_apex")
fall = phases.TrainingSet("fall twice", views, control="matched single")
phases.TRAINING_SETS.register(fall)

own = experiments.open_workspace("smoke", datasets=["casme2"])
data = own.data["casme2"]
for name in (fall.name, fall.control):
    spec = run_spec(own.profile, data, "learnet", train=name)
    report = runs.run(own.jobs([spec]), own.context)
    print(name, report.done, "folds computed")
