"""Rows of evidence: what a comparison is, what is known of it, and the counts of clips."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from mer_utils.experiments import TABLES
from mer_utils.experiments.questions import chosen
from mer_utils.phases import PHASES
from mer_utils.plotting.words import comparison_words
from mer_utils.views import Views

#: The tables whose differences are evidence; a table that is not here is none.
EVIDENT = ("table2", "table3", "table4", "table5", "table7")
#: Of a row: the columns that those tables compare, and each of them of the baseline.
ARMS = tuple(dict.fromkeys(c for name in EVIDENT for c in TABLES[name].columns))
COMPARED = tuple(name for c in ARMS for name in (c, f"base_{c}"))
#: What `mer_utils.stats.pooled_differences` says of a comparison, all of it evidence.
NUMBERS = (
    *("difference", "se", "df", "low", "high", "p", "baseline_score", "relative"),
    *("relative_low", "relative_high", "cells", "seeds", "left_out"),
)
#: What a row of evidence is; whatever else a table measures (McNemar's p among it) is left out.
COLUMNS = (
    *("table", "dataset", "model", "metric", *COMPARED, *NUMBERS),
    *("above_chance", "steps_apart", "missing_folds", "synthetic", "data"),
)
METRICS = ("accuracy_pooled", "uf1_pooled", "uar_pooled")
VIEWS = "views"
CLIPS, TWO_PHASES, DIFFER = "clips", "clips with two phases", "clips whose images differ"


class Comparison(NamedTuple):
    """One comparison of a table.

    Parameters
    ----------
    table : str
    treatment : mapping of column to value
    baseline : mapping of column to value
        In which columns it differs from the treatment.
    """

    table: str
    treatment: Mapping[str, Any]
    baseline: Mapping[str, Any]

    @property
    def both(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """The baseline's values and the treatment's, in the same columns."""
        return {**self.treatment, **self.baseline}, dict(self.treatment)

    @property
    def words(self) -> str:
        """The comparison for a reader: "dual, flip minus matched single, flip"."""
        based = {f"base_{column}": value for column, value in self.baseline.items()}
        columns = [c for c in TABLES[self.table].columns if c in self.treatment]
        return comparison_words({**self.treatment, **based}, columns)

    def rows(self, evidence: pd.DataFrame) -> pd.Series:
        """Return which rows of the evidence are this comparison."""
        baseline, treatment = self.both
        arms = treatment | {f"base_{column}": value for column, value in baseline.items()}
        return evidence["table"].eq(self.table) & chosen(evidence, arms)


def count_phases(clips: pd.DataFrame, views: Views) -> dict[str, int]:
    """Count clips, clips with two phases, and of those the ones with three different views.

    A clip has two phases if its apex lies strictly between onset and offset; one without
    annotated frames (a manifest of finished images) if both views are given.

    Parameters
    ----------
    clips : DataFrame
        The clip table, n rows.
    views : Views
        Of these clips, in the same order.
    """
    present = views.present["onset_apex"] & views.present["apex_offset"]
    onset, apex, offset = (
        clips[name].astype("Float64").to_numpy(float, na_value=np.nan)
        for name in ("onset", "apex", "offset")
    )
    two = present if np.isnan(onset).all() else (onset < apex) & (apex < offset)
    differ = [
        clip
        for clip in np.flatnonzero(two & present)
        if all(
            (views.images[one][clip] != views.images[other][clip]).any()
            for one, other in combinations(PHASES, 2)
        )
    ]
    return {CLIPS: len(clips), TWO_PHASES: int(two.sum()), DIFFER: len(differ)}
