"""The gain of dual over its control on made clips, against how different the phases are."""

from __future__ import annotations

import pandas as pd

from companion.chapters.ablations import add_variant, variant_differences
from companion.chapters.results import on_view
from mer_utils import models
from mer_utils.experiments import Workspace
from mer_utils.phases import TRAINING_SETS


def gains(workspace: Workspace, metric: str = "uar_pooled") -> pd.DataFrame:
    """Compare dual with its control on every made variant.

    Parameters
    ----------
    workspace : Workspace
    metric : str

    Returns
    -------
    DataFrame
        One row a model and variant: model, title, phase_difference (0 to 1), noise,
        ``line`` (the words of model and noise), control and dual (the two scores), value, low,
        high, p_bootstrap_holm. The control
        of a network is *matched single*; of a linear machine, which is not trained step by
        step, *single*.

    Raises
    ------
    MerError
        If none of the folds is in the store.
    """
    rows = add_variant(on_view(workspace.predictions("phase_difference")), ["setting"])
    pairs = [("dual", TRAINING_SETS["dual"].control), ("dual", "single")]
    found = variant_differences(rows, pairs)
    network = models.are_networks(found["model"])
    controlled = found["comparison"].eq(f"dual minus {TRAINING_SETS['dual'].control}")
    chosen = found[(found["metric"] == metric) & (network == controlled)]
    made = {d.name: d for d in workspace.variants}
    found = chosen.assign(
        title=chosen["model"].map(models.title),
        phase_difference=chosen["dataset"].map(lambda name: made[name].phase_difference),
        noise=chosen["dataset"].map(lambda name: made[name].noise),
    )
    found["line"] = found["title"] + ", noise " + found["noise"].map("{:g}".format)
    found = found.rename(columns={"baseline_score": "control", "treatment_score": "dual"})
    columns = ["model", "title", "phase_difference", "noise", "line", "control", "dual"]
    order = ["model", "noise", "phase_difference"]
    return found.sort_values(order, kind="stable")[
        [*columns, "value", "low", "high", "p_bootstrap_holm"]
    ].reset_index(drop=True)
