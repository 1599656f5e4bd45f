"""What follows from recorded costs: what to keep, how cost grows, what larger data would take."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from companion.costs.record import NOT_MEASURED, Costs, title

#: Share by which a speed must differ from 1 to count as different.
NO_DIFFERENCE = 0.03

#: Data sets of a projection: clips, subjects, and folds other than one a subject.
PROJECTED = (
    ("MEGC2019 composite, leave-one-subject-out", 442, 68, None),
    ("DFME, leave-one-subject-out", 7526, 671, None),
    ("DFME, 10 folds of grouped subjects", 7526, 671, 10),
)


def effects_table(costs: Costs) -> pd.DataFrame:
    """Say of each thing tried what it does to speed, and whether that speaks for it.

    Returns
    -------
    DataFrame
        One row a change to the training loop: whether the loop has it, its speed relative to
        the loop without it (geometric mean over networks, smallest, largest), and the
        verdict, which follows from these numbers: ``kept`` and ``rejected`` where measure
        and code agree, else what to reconsider.
    """
    rows = costs.section("effects")
    lines = []
    for (change, state), part in rows.groupby(["measure", "unit"], sort=False):
        logs = np.log(part["value"].to_numpy(float))
        mean = float(np.exp(logs.mean()))
        lines.append(
            {
                "change": change,
                "in use": "yes" if state == "in use" else "no",
                "speed with / without": mean,
                "smallest": float(part["value"].min()),
                "largest": float(part["value"].max()),
                "verdict": _effect(mean, state == "in use"),
            }
        )
    columns = ["change", "in use", "speed with / without", "smallest", "largest", "verdict"]
    return pd.DataFrame(lines or [{"change": NOT_MEASURED}], columns=columns)


def _effect(gain: float, used: bool, margin: float = NO_DIFFERENCE) -> str:
    if gain > 1 + margin:
        return "kept: faster" if used else "faster, not used"
    if gain < 1 - margin:
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


def growth_table(costs: Costs) -> pd.DataFrame:
    """Fit how the time of a run grows, beside the growth of the images it shows.

    Returns
    -------
    DataFrame
        One row a thing varied: its values, the fitted exponent of the measured time, and the
        exponent fitted in the same way to the counted training images, which is the one to
        be expected.
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
            }
        )
    columns = ["varied", "values", "exponent of the time", "expected"]
    return pd.DataFrame(lines or [{"varied": NOT_MEASURED}], columns=columns)


def images_shown(clips: int, subjects: int, folds: int | None = None, views: int = 1) -> float:
    """Return the training images of one epoch of a whole run: every fold leaves its share out.

    Examples
    --------
    >>> images_shown(100, 10)
    900.0
    >>> images_shown(100, 50, folds=5, views=3)
    1200.0
    """
    k = folds or subjects
    return float(views * clips * (k - 1))


def projection_table(costs: Costs, workers: int = 64) -> pd.DataFrame:
    """Project the time of runs on larger data from the measured time an image.

    Parameters
    ----------
    costs : Costs
    workers : int
        Processes of the cluster, each as fast as one core of the measured machine.

    Returns
    -------
    DataFrame
        One row a data set and network. Not measured: the measured time of a training image
        times the images that the run would show, in the *dual* setting, with as many epochs
        as were measured.
    """
    rows = costs.section("training")
    each = rows[rows["measure"] == "time of a training image"].set_index("case")["value"]
    epochs = rows.loc[rows["measure"] == "epochs", "value"]
    lines = []
    for data, clips, subjects, folds in PROJECTED:
        for model, milliseconds in each.items():
            shown = images_shown(clips, subjects, folds, views=3) * float(epochs.iloc[0])
            hours = shown * float(milliseconds) / 3.6e6
            # Folds are not divided: the last round may leave workers idle.
            k = folds or subjects
            rounds = -(-k // min(workers, k))
            lines.append(
                {
                    "data": data,
                    "model": title(str(model)),
                    "images": int(shown),
                    "hours, one core": hours,
                    f"hours, {workers} workers": hours / k * rounds,
                }
            )
    columns = ["data", "model", "images", "hours, one core", f"hours, {workers} workers"]
    return pd.DataFrame(lines or [{"data": NOT_MEASURED}], columns=columns)


def profile_table(costs: Costs) -> pd.DataFrame:
    """List the operations in which the networks furthest from the peak spend their time."""
    rows = costs.section("profile")
    found = rows.rename(columns={"case": "model", "measure": "operation", "value": "share"})
    found = found[["model", "operation", "share"]].assign(model=found["model"].map(title))
    return found if len(found) else pd.DataFrame([{"model": NOT_MEASURED}], columns=found.columns)
