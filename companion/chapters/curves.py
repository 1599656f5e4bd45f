"""Learning curves: a score against the training images seen, from every epoch's predictions."""

from __future__ import annotations

import pandas as pd

from companion.chapters.results import on_view, scores
from mer_utils.experiments import Workspace


def learning_curves(
    workspace: Workspace, table: str, model: str, metric: str = "uar_pooled"
) -> pd.DataFrame:
    """Score a network after every epoch.

    Parameters
    ----------
    workspace : Workspace
    table : str
        The table whose runs are read.
    model : str
    metric : str

    Returns
    -------
    DataFrame
        One row a data set, setting and epoch: dataset, setting, epoch, images_seen (training
        images shown so far, mean over the folds), value, low, high. No epoch is chosen by it:
        the last one counts.
    """
    rows = on_view(workspace.predictions(table, every_epoch=True))
    rows = rows[rows["model"].eq(model) & rows["annotation"].eq("as annotated")]
    specs = [s for s in workspace.specs(table) if s.model.name == model]
    notes = workspace.store.environments(specs)
    epochs = notes["run"].map({s.key: s.training.epochs for s in specs})
    an_epoch = (notes["images_shown"] / epochs).groupby(notes["run"]).mean()
    curve = scores(rows, by=("setting", "epoch"))
    curve = curve[curve["metric"] == metric]
    by_setting = rows.drop_duplicates(["dataset", "setting"]).set_index(["dataset", "setting"])[
        "run"
    ]
    runs = pd.Series(
        [by_setting[d, s] for d, s in zip(curve["dataset"], curve["setting"], strict=True)]
    )
    seen = runs.map(an_epoch).to_numpy() * curve["epoch"].to_numpy()
    columns = ["dataset", "setting", "epoch", "images_seen", "value", "low", "high"]
    return curve.assign(images_seen=seen)[columns].reset_index(drop=True)
