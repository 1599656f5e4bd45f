"""Predictions as rows: what a fold stores, and what a reader of the store gets."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd

from mer_utils.phases import TRAINING_SETS
from mer_utils.runs.spec import COLUMN_TYPES, RunSpec


def prediction_rows(
    spec: RunSpec,
    clips: pd.DataFrame,
    test_view: str | np.ndarray,
    positions: np.ndarray,
    probabilities: np.ndarray,
    epoch: int | np.ndarray,
) -> pd.DataFrame:
    """Make the rows of a fold's predictions, one per tested clip, view and epoch.

    Parameters
    ----------
    spec : RunSpec
    clips : DataFrame
        The clip table.
    test_view : str or ndarray of shape (n,)
        The view that was shown, one for all predictions or one for each.
    positions : ndarray of shape (n,), int
        Positions (0-based) of the predicted clips in `clips`.
    probabilities : ndarray of shape (n, classes), float32
    epoch : int or ndarray of shape (n,)
        How many epochs the network had been trained for. The last one counts.

    Returns
    -------
    DataFrame of n rows
        What `RunSpec.columns` says of the run, but for the name of its training set, which
        `with_setting` adds; then test_view, epoch, subject, clip, y_true, y_pred, and
        p_0 .. p_{classes - 1}.
    """
    tested = clips.iloc[positions]
    n = len(positions)
    views = np.broadcast_to(np.asarray(test_view, object), n)
    rows = {
        # Text also where no clip was tested and there is no row.
        "test_view": pd.Series(views, dtype="str"),
        "epoch": np.broadcast_to(np.asarray(epoch, np.int64), n),
        "subject": tested["subject"].to_numpy(),
        "clip": tested["clip"].to_numpy(),
        "y_true": tested["label"].cat.codes.to_numpy(np.int64),
        "y_pred": probabilities.argmax(axis=1).astype(np.int64),
    }
    classes = {f"p_{k}": p for k, p in enumerate(probabilities.T.astype(np.float32))}
    said = run_columns([spec]).drop(columns="setting")
    repeated = said.loc[np.zeros(n, int)].reset_index(drop=True)
    return pd.concat([repeated, pd.DataFrame({**rows, **classes})], axis=1)


def with_setting(rows: pd.DataFrame) -> pd.DataFrame:
    """Put the name of each row's training set behind its views.

    Examples
    --------
    >>> with_setting(pd.DataFrame({"train_views": ["full", "full+full+full"]}))["setting"].tolist()
    ['single', 'matched single']
    """
    views = rows["train_views"]
    names = {v: TRAINING_SETS.find(tuple(v.split("+"))).name for v in views.unique()}
    named = rows.copy(deep=False)
    named.insert(list(rows).index("train_views") + 1, "setting", views.map(names).astype("str"))
    return named


def run_columns(specs: Iterable[RunSpec]) -> pd.DataFrame:
    """Return what the rows of each run say of it (`RunSpec.columns`), one row per run."""
    rows = {spec.key: spec.columns for spec in specs}
    frame = pd.DataFrame(list(rows.values()))
    text = dict.fromkeys((c for c in frame if c not in COLUMN_TYPES), "str")
    return frame.astype({c: t for c, t in (text | COLUMN_TYPES).items() if c in frame})
