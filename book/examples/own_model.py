"""Train another network than the six: any name that timm knows."""

from mer_utils import experiments, runs
from mer_utils.experiments import ModelPlan

NAME = "mobilenetv3_small_050"
smoke = experiments.PROFILES["smoke"]
plans = {NAME: ModelPlan(image_size=32)}
profile = smoke.model_copy(update={"models": plans})
own = experiments.open_workspace(profile, datasets=["casme2"])
specs = [s for s in own.specs("table2") if s.model.name == NAME]
report = runs.run(own.jobs(specs), own.context)
print(report.done, "folds computed")
rows = experiments.on_view(own.store.predictions(specs))
scores = experiments.scores(rows).query("metric == 'uar_pooled'")
print(scores[["model", "setting", "value"]].to_string(index=False))
