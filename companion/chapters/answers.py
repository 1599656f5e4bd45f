"""The answer to the primary question, in tables and sentences."""

from __future__ import annotations

from typing import Any

import pandas as pd

from companion.chapters.page import interval, p_value, signed
from companion.chapters.primary import ALPHA, PAIRS, overall, primary
from mer_utils import stats
from mer_utils.models import are_networks
from mer_utils.plotting.words import dataset_title
from mer_utils.stats import EVERY

#: Subjects of which the page says what could be found: the demo's, a few more, SMIC's, the paper's.
SUBJECTS = (6, 8, 16, 26, 27)


def asked(predictions: pd.DataFrame) -> pd.DataFrame:
    """Return what `primary` finds, with its columns also where no network has both settings."""
    found = primary(predictions)
    more = ["difference", "low", "high", "p", "se", "subjects", "cells", "seeds"]
    more += ["left_out", "standardised", "verdict", "undefined"]
    return found if len(found) else found.reindex(columns=[*found, *more])


def shown(found: pd.DataFrame) -> pd.DataFrame:
    """Lay the answers out for print: a row per comparison and data set, then over both."""
    rows = found[found["model"] == EVERY]
    return pd.DataFrame(
        {
            "comparison": rows["setting"] + " minus " + rows["base_setting"],
            "data set": rows["dataset"].map(_dataset),
            "difference": rows["difference"],
            "95 % interval": [interval(row) for _, row in rows.iterrows()],
            "p": rows["p"].map(p_value),
            "verdict": rows["verdict"],
            "standardised": rows["standardised"],
            "networks, data sets": rows["cells"],
            "seeds": rows["seeds"],
            "left out": rows["left_out"],
        }
    )


def sentences(found: pd.DataFrame, barred: list[str]) -> list[str]:
    """Answer the question in words, a sentence per pair; say what is not there."""
    lines = []
    for treatment, control in PAIRS:
        rows = overall(found) if len(found) else found
        rows = rows[rows["setting"] == treatment] if len(rows) else rows
        if rows.empty:
            lines.append(f"{treatment} minus {control}: no network has both.")
            continue
        row = rows.iloc[0]
        said = f"{treatment} minus {control}: {_uar(row['difference'])} UAR"
        said += (
            f" (95 % interval {_uar(row['low'])} to {_uar(row['high'])})"
            if pd.notna(row["low"])
            else " (interval undefined)"
        )
        pairs = "1 pair" if row["cells"] == 1 else f"{row['cells']} pairs"
        said += f", mean of {pairs} of network and data set: {row['verdict']}"
        said += f". Not in this mean: {row['undefined']}" if row["undefined"] else ""
        lines.append(f"{said}.")
    return lines + ([f"No more than a trial: {'; '.join(barred)}."] if barred else [])


def _uar(value: float) -> str:
    return signed(value, "{:+.3f}")


def _points(value: float) -> str:
    return signed(100 * value, "{:+.1f}")


def brief(found: pd.DataFrame) -> str:
    """Answer it in one line per pair, in points, for a reader who knows no more than the title.

    Examples
    --------
    >>> brief(pd.DataFrame())
    'No network has both sides of the comparison.'
    """
    lines = []
    for _, row in overall(found).iterrows() if len(found) else []:
        points, side = 100 * row["difference"], "above" if row["difference"] > 0 else "below"
        apart = f"{abs(points):.1f} points {side}" if abs(points) >= 0.05 else "the same as"
        words = f"With {row['setting']}, networks score {apart} their control"
        if pd.notna(row["low"]):
            words += f" (95 % interval {_points(row['low'])} to {_points(row['high'])})"
        lines.append(f"{words}: {row['verdict']}.")
    return " ".join(lines) or "No network has both sides of the comparison."


def power(found: pd.DataFrame) -> pd.DataFrame:
    """Say which true differences would be found in four of five experiments like this one.

    Returns
    -------
    DataFrame
        A row for each of `SUBJECTS` of a data set; in UAR points: for one network on one data
        set, alone and at Holm's first step over all; for the mean over the networks of one data
        set, and over two such data sets. From the errors measured here, which fall with the root
        of the number of subjects.
    """
    rows = found[found["setting"] == PAIRS[0][0]]
    one_set = rows[rows["dataset"] != EVERY].assign(unit=lambda r: r["se"] * r["subjects"].pow(0.5))
    cells = one_set[one_set["model"] != EVERY]
    network, mean = cells["unit"].mean(), one_set.loc[one_set["model"] == EVERY, "unit"].mean()
    both = max(len(cells), 1)
    table = []
    for n in SUBJECTS:
        alone = [(network, ALPHA), (network, ALPHA / both), (mean, ALPHA)]
        line: dict[str, Any] = {"subjects of a data set": n}
        for name, (unit, alpha) in zip(
            ("one network", "one network, Holm's first step", "mean of the networks"),
            alone,
            strict=True,
        ):
            line[name] = 100 * float(stats.detectable(unit / n**0.5, n - 1, alpha))
        pooled = mean / (2 * n) ** 0.5
        line["two data sets"] = 100 * float(stats.detectable(pooled, 2 * (n - 1), ALPHA))
        table.append(line)
    return pd.DataFrame(table)


def marginal(predictions: pd.DataFrame) -> pd.DataFrame:
    """Fit the marginal model of each pair beside the comparison, see `stats.odds_ratio`."""
    rows = predictions[are_networks(predictions["model"])]
    table = []
    for treatment, control in PAIRS:
        if {treatment, control} <= set(rows["setting"]):
            fit = stats.odds_ratio(rows, {"setting": control}, {"setting": treatment})
            table.append(
                {
                    "comparison": f"{treatment} minus {control}",
                    "odds ratio": fit["odds_ratio"],
                    "95 % interval": interval(fit),
                    "p": p_value(fit["p"]),
                    "subjects": fit["subjects"],
                }
            )
    return pd.DataFrame(table)


def _dataset(name: str) -> str:
    return "all data sets" if name == EVERY else dataset_title(name)
