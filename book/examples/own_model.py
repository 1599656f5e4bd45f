"""Train another network than the six: any name that timm knows."""

from dataclasses import replace

from companion.chapters import results
from mer_utils import experiments, runs
from mer_utils.experiments.profiles import ModelPlan

NAME = "mobilenetv3_small_050"
smoke = experiments.PROFILES["smoke"]
plans = {NAME: ModelPlan(image_size=32)}
profile = smoke.model_copy(update={"models": plans})
whole = experiments.open_workspace("smoke", datasets=["casme2"])
workspace = replace(whole, profile=profile)
specs = [s for s in workspace.specs("table2") if s.model.name == NAME]
report = runs.run(workspace.jobs(specs), workspace.context)
print(report.done, "folds computed")
rows = results.on_view(workspace.predictions("table2"))
scores = results.scores(rows[rows["model"] == NAME])
wide = results.wide_scores(scores, "casme2")
print(wide[["model", "setting", "UAR"]].to_string(index=False))
