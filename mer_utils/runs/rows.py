"""A fold's predictions as rows: one a tested clip and view."""

from __future__ import annotations

import numpy as np
import pandas as pd

from mer_utils.runs.spec import RunSpec


def prediction_rows(
    spec: RunSpec,
    clips: pd.DataFrame,
    test_view: str | np.ndarray,
    positions: np.ndarray,
    probabilities: np.ndarray,
    epoch: int | np.ndarray,
) -> pd.DataFrame:
    """Make the rows of a fold's predictions.

    Parameters
    ----------
    spec : RunSpec
    clips : DataFrame
        The clip table.
    test_view : str or ndarray of shape (n,)
        The phase whose DIs were shown, one for all predictions or one for each.
    positions : ndarray of shape (n,), int
        Positions (0-based) of the predicted clips in `clips`.
    probabilities : ndarray of shape (n, classes), float32
    epoch : int or ndarray of shape (n,)
        How many epochs the network had been trained for. The last one counts.

    Returns
    -------
    DataFrame of n rows
        Columns: run, dataset, scheme, model, train_views, spatial, image, annotation, rules,
        evaluation, seed, test_view, epoch, subject, clip, y_true, y_pred,
        p_0 .. p_{classes - 1}. For a composite of several data sets `dataset` is the
        composite's name.
    """
    tested = clips.iloc[positions]
    n = len(positions)
    views = np.broadcast_to(np.asarray(test_view, object), n)
    rows = {
        # Of the value's own type also where no clip was tested and there is no row.
        **{
            name: pd.Series([value] * n, dtype=type(value).__name__)
            for name, value in spec.columns.items()
        },
        "test_view": pd.Series(views, dtype="str"),
        "epoch": np.broadcast_to(np.asarray(epoch, np.int64), n),
        "subject": tested["subject"].to_numpy(),
        "clip": tested["clip"].to_numpy(),
        "y_true": tested["label"].cat.codes.to_numpy(np.int64),
        "y_pred": probabilities.argmax(axis=1).astype(np.int64),
    }
    classes = {f"p_{k}": p for k, p in enumerate(probabilities.T.astype(np.float32))}
    return pd.DataFrame({**rows, **classes})
