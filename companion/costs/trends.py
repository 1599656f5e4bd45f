"""What follows from recorded costs: what to keep, how cost grows, what larger data would take."""

from __future__ import annotations

from statistics import geometric_mean
from typing import Any

import numpy as np
import pandas as pd

from companion.costs.record import Costs, tabled
from mer_utils import models
from mer_utils.experiments import PROFILES

#: Of the paper profile.
PAPER_EPOCHS = PROFILES["paper"].training.epochs
#: Share by which a speed must differ from 1 to count as different.
NO_DIFFERENCE = 0.03

_GROWTH = ("images shown", "time of a run")

#: Data sets of a projection: clips, subjects, and folds other than one per subject.
PROJECTED = (
    ("MEGC2019 composite, leave-one-subject-out", 442, 68, None),
    ("DFME, leave-one-subject-out", 7526, 671, None),
    ("DFME, 10 folds of grouped subjects", 7526, 671, 10),
)


def effects_table(costs: Costs) -> pd.DataFrame:
    """Say of each change to the training loop what it does to speed, and whether to keep it.

    The speed is relative to the loop without the change, a geometric mean over networks. The
    verdict is ``kept`` or ``rejected`` where measure and code agree, else what to reconsider.
    """
    lines = []
    for (change, state), part in costs.section("effects").groupby(["measure", "unit"], sort=False):
        used, mean = state == "in use", geometric_mean(part["value"])
        lines.append(
            {
                "change": change,
                "in use": "yes" if used else "no",
                "speed with / without": mean,
                "smallest": float(part["value"].min()),
                "largest": float(part["value"].max()),
                "verdict": _effect(mean, used),
            }
        )
    return tabled(
        lines, "change", "in use", "speed with / without", "smallest", "largest", "verdict"
    )


def _effect(gain: float, used: bool) -> str:
    if gain > 1 + NO_DIFFERENCE:
        return "kept: faster" if used else "faster, not used"
    if gain < 1 - NO_DIFFERENCE:
        return "slower, used nevertheless" if used else "rejected: slower"
    return "kept: no difference" if used else "rejected: no difference"


def fitted_exponent(x: Any, y: Any) -> float:
    """Return the b of ``y = a x**b`` that fits best in logarithms.

    Examples
    --------
    >>> round(fitted_exponent([1, 2, 4], [3, 12, 48]), 6)
    2.0
    """
    slope, _ = np.polyfit(np.log(np.asarray(x, float)), np.log(np.asarray(y, float)), 1)
    return float(slope)


def fixed_share(work: Any, time: Any) -> float:
    """Return the share of the shortest time that does not grow, by a straight line.

    Examples
    --------
    >>> round(fixed_share([10, 20, 40], [2.0, 3.0, 5.0]), 6)
    0.5
    """
    _, fixed = np.polyfit(np.asarray(work, float), np.asarray(time, float), 1)
    return max(float(fixed), 0.0) / float(np.min(time))


def growth_table(costs: Costs) -> pd.DataFrame:
    """Fit how the time of a run grows, one row per thing varied.

    The exponent to be expected is the one fitted to the counted training images.
    """
    lines = []
    for case, part in costs.section("scaling").groupby("case", sort=False):
        exponents = {
            measure: fitted_exponent(curve["x"], curve["value"])
            for measure, curve in part.groupby("measure", sort=False)
        }
        lines.append(
            {
                "varied": case,
                "values": ", ".join(f"{x:g}" for x in sorted(set(part["x"]))),
                "exponent of the time": exponents["time of a run"],
                "expected": exponents["images shown"],
                "fixed share": fixed_share(
                    *(part.loc[part["measure"] == m, "value"] for m in _GROWTH)
                ),
            }
        )
    return tabled(lines, "varied", "values", "exponent of the time", "expected", "fixed share")


def images_shown(clips: int, subjects: int, folds: int | None = None, views: int = 1) -> float:
    """Return the training images of one epoch of a whole run: every fold leaves its share out.

    Examples
    --------
    >>> images_shown(100, 10)
    900.0
    >>> images_shown(100, 50, folds=5, views=3)
    1200.0
    """
    return float(views * clips * ((folds or subjects) - 1))


def projection_table(costs: Costs, workers: int = 64) -> pd.DataFrame:
    """Project the time of *dual* runs on larger data from the measured time per image.

    Epochs are those measured; each of the workers is as fast as one core of the measured
    machine. Folds are not divided: in the last round workers may be idle.
    """
    rows = costs.section("training")
    each = rows[rows["measure"] == "time of a training image"].set_index("case")["value"]
    epochs = rows.loc[rows["measure"] == "epochs", "value"]
    lines = []
    for data, clips, subjects, folds in PROJECTED:
        for model, milliseconds in each.items():
            shown = images_shown(clips, subjects, folds, views=3) * float(epochs.iloc[0])
            hours = shown * float(milliseconds) / 3.6e6
            k = folds or subjects
            lines.append(
                {
                    "data": data,
                    "model": models.title(str(model)),
                    "images": int(shown),
                    "hours, one core": hours,
                    f"hours, {workers} workers": hours / k * -(-k // min(workers, k)),
                }
            )
    return tabled(lines, "data", "model", "images", "hours, one core", f"hours, {workers} workers")


def hours_table(costs: Costs) -> pd.DataFrame:
    """Work out what the paper profile takes on the GPU that was measured, table by table.

    Steps: the images that a table's folds show over the images a second. Beside them: each fold
    makes its network, sends it, predicts after every epoch and draws its maps; several workers do
    that while others take steps.
    """
    rates = costs.section("gpu rates").query("measure == 'images a second, bfloat16'")
    if rates.empty or costs.section("gpu plan").empty:
        return tabled([], "table")
    parts = ["making the network", "sending its weights", "predicting after an epoch", "maps"]
    each = costs.section("gpu folds").pivot_table("value", "case", "measure")
    each = each.reindex(columns=parts).fillna(0)  # a transformer has no maps
    a_fold = each["making the network"] + each["sending its weights"] + each["maps"]
    a_fold += PAPER_EPOCHS * each["predicting after an epoch"]
    plan = costs.section("gpu plan").pivot_table("value", ["case", "unit"], "measure", sort=False)
    images, folds = (pd.DataFrame(plan.xs(u, level="unit")) for u in ("images", "folds"))
    shown = pd.DataFrame(
        {
            "images, millions": images.sum(axis=1) / 1e6,
            "folds": folds.sum(axis=1).astype(int),
            "steps, h": (images / rates.set_index("case")["value"]).sum(axis=1) / 3600,
            "beside them, h": (folds * a_fold).sum(axis=1) / 3600,
        }
    ).reindex(costs.section("gpu plan")["case"].unique())
    shown.loc["all tables"] = shown.sum()
    return shown.astype({"folds": int}).rename_axis("table").reset_index()
