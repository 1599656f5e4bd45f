"""The training sets that the tables compare, and how a row's training set is called."""

from __future__ import annotations

import pandas as pd

from mer_utils.phases import TRAINING_SETS

#: The training sets of tables 2, 3, 5 and 8, and those that only table 4 compares.
COMPARED = ("single", "matched single", "dual")
PARTS = ("onset_apex only", "apex_offset only", "single twice", "halves")


def views_of(setting: str) -> tuple[str, ...]:
    """Return the views that a training set trains on."""
    return TRAINING_SETS[setting].views


def add_setting(predictions: pd.DataFrame) -> pd.DataFrame:
    """Add the column ``setting``: the name of each row's training set.

    Examples
    --------
    >>> add_setting(pd.DataFrame({"train_views": ["full", "full+full+full"]}))["setting"].tolist()
    ['single', 'matched single']
    """
    views = predictions["train_views"]
    names = {v: TRAINING_SETS.find(tuple(v.split("+"))).name for v in views.unique()}
    return predictions.assign(setting=views.map(names))
