"""Train another network than the six: any name that timm knows."""

from dataclasses import replace

from mer_utils import execution, experiments, tables
from mer_utils.experiments.profiles import ModelPlan

NAME = "mobilenetv3_small_050"
smoke = experiments.get_profile("smoke")
plans = {NAME: ModelPlan(image_size=32)}
profile = smoke.model_copy(update={"models": plans})
workspace = experiments.open_workspace("smoke", datasets=["casme2"])
workspace = replace(workspace, profile=profile)

jobs = workspace.jobs(workspace.specs("table2"))
print(execution.run(jobs, workspace.context).done, "folds computed")
scores = tables.scores(workspace.predictions("table2"))
wide = tables.wide_scores(scores, "casme2")
print(wide[["model", "setting", "UAR"]].to_string(index=False))
