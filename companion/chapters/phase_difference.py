"""Gains over the control against how different the phases were made."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy import special

from companion.chapters import tables
from mer_utils import models
from mer_utils.errors import MerError
from mer_utils.experiments import Workspace
from mer_utils.experiments.profiles import VARIED


def gains(workspace: Workspace, metric: str = tables.UAR) -> pd.DataFrame:
    """Compare dual and aligned with their control on every made variant.

    The control of a network is *matched single*; of a linear machine, which is not trained step
    by step, *single*. ``line`` is the words of model and noise, ``setting`` dual or aligned,
    ``control`` and ``treatment`` are the two scores. Variants whose fall tells of the class have
    a ``fall_information`` above zero.

    Raises
    ------
    MerError
        "no results" if none of the folds is in the store.
    """
    found = tables.read(workspace, "phase_difference").differences
    found = found[found["metric"] == metric].rename(
        columns={"baseline_score": "control", "treatment_score": "treatment"}
    )
    found["title"] = found["model"].map(models.title)
    found["line"] = found["title"] + ", noise " + found["noise"].map("{:g}".format)
    columns = ["model", "title", "setting", *VARIED, "line"]
    order = ["setting", "model", "noise", "phase_difference", "fall_information"]
    return found.sort_values(order, kind="stable", ignore_index=True)[
        [*columns, "control", "treatment", "value", "low", "high", "p_bootstrap_holm"]
    ]


def by_information(gains: pd.DataFrame) -> pd.DataFrame:
    """Return the `gains` at the largest difference and noise, to be drawn against the information.

    ``parameter`` is the fall's information, and ``line`` has the words of the training set too.
    """
    most = gains
    for number in ("phase_difference", "noise"):
        most = most[most[number] == gains[number].max()]
    lines = most["setting"] + ", " + most["line"]
    return most.assign(parameter=most["fall_information"], line=lines)


def replicas(file: Path) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Return the gain on every twin of the record of ``python -m benchmarks.twins``.

    Returns
    -------
    gains : DataFrame
        One row per twin, learner and training set: `VARIED`, seed, model, setting (dual or
        aligned), control, treatment, value (the gain) and ``line``, in words what was drawn.
    about : dict
        The record's specification.

    Raises
    ------
    MerError
        ``bad register``, if the file is no such record.
    """
    try:
        record = json.loads(file.read_text("utf-8"))
        rows, about = pd.DataFrame(record["rows"]), dict(record["specification"])
        twin = [*VARIED, "seed", "model"]
        wide = rows.pivot_table(index=twin, columns="setting", values="uar").reset_index()
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise MerError(
            "bad register",
            f"{file} is no record of twins ({type(error).__name__}: {error})",
            "the JSON file that python -m benchmarks.twins writes",
            "compute it anew, or take the file of the repository",
        ) from error
    control = wide["matched single"].where(models.are_networks(wide["model"]), wide["single"])
    parts = [
        wide[twin].assign(setting=setting, control=control, treatment=wide[setting])
        for setting in ("dual", "aligned")
    ]
    found = pd.concat(parts, ignore_index=True)
    found["value"] = found["treatment"] - found["control"]
    found["line"] = (
        found["model"].map(models.title)
        + found["phase_difference"].map(", difference {:g}".format)
        + found["fall_information"].map(", information {:g}".format)
    )
    return found, about


def summary(gains: pd.DataFrame) -> pd.DataFrame:
    """Return the distribution of the gains of `replicas`, one row per cell, learner and setting."""
    by = ["setting", "line"]
    found = gains.groupby(by, sort=False).agg(
        twins=("value", "size"),
        control=("control", "mean"),
        gain=("value", "mean"),
        sd=("value", "std"),
        lowest=("value", "min"),
        highest=("value", "max"),
        ahead=("value", lambda values: (values > 0).mean()),
    )
    reach = special.stdtrit(found["twins"] - 1, 0.975) * found["sd"] / np.sqrt(found["twins"])
    found.insert(3, "low", found["gain"] - reach)
    found.insert(4, "high", found["gain"] + reach)
    return found.reset_index()
