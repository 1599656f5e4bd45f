"""LEARNet at the paper's size: the one row of its main table that was run on a twin, on a GPU."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from companion.chapters.page import with_interval
from companion.chapters.tables import UAR, Shown
from mer_utils import experiments
from mer_utils.errors import MerError
from mer_utils.experiments import TABLES
from mer_utils.runs import unpacked

#: Seen from the folder of the book.
RECORD = "../benchmarks/recorded/learnet-paper.zip"
#: Computes the runs that `mer store export` wrote there.
COMMAND = "mer run table2 --profile paper --models learnet --seeds 1 --data casme2"


def read(file: str | Path) -> tuple[Shown, pd.DataFrame]:
    """Return the recorded row of the main table, and what computed it: one row per fold.

    Raises
    ------
    MerError
        ``bad register``, if it is not there; what `mer_utils.runs.unpacked` raises.
    """
    if not Path(file).exists():
        raise MerError(
            "bad register",
            f"{file} is not there",
            f"the archive of {COMMAND}",
            "take the file of the repository, or compute and export it anew",
        )
    with unpacked(Path(file)) as store:
        specs = store.specs()
        rows = experiments.on_view(store.predictions(specs))
        folds = store.environments(specs)
    table = TABLES["table2"]
    return Shown(table, experiments.in_order(rows, table.columns)), folds


def table(shown: Shown) -> pd.DataFrame:
    """Return the scores of the training sets."""
    rows = shown.scores[shown.scores["metric"] == UAR]
    return rows[["setting", "value", "low", "high"]].rename(columns={"value": "UAR"})


def said(shown: Shown) -> str:
    """Say each comparison with its interval, and which of them survive correction."""
    rows = shown.differences[shown.differences["metric"] == UAR]
    each = [
        f"{row['setting']} minus {row['base_setting']} {with_interval(row)}"
        for _, row in rows.iterrows()
    ]
    kept = rows[rows["p_bootstrap_holm"] < 0.05]
    left = " and ".join(f"{r['setting']} minus {r['base_setting']}" for _, r in kept.iterrows())
    verb = "are" if len(kept) > 1 else "is"
    return f"{'; '.join(each)}. After Holm's correction {left or 'none'} {verb} left."


def said_of_cost(folds: pd.DataFrame) -> str:
    """Say what computed the row, and how long that took from its first fold to its last."""
    ended = pd.to_datetime(folds["finished"])
    began = ended - pd.to_timedelta(folds["seconds"], unit="s")
    seconds = (ended.max() - began.min()).total_seconds()
    images = int(folds["images_shown"].sum())
    where = " and ".join(sorted(set(folds["device"])))
    return (
        f"{len(folds)} folds took {seconds / 60:.1f} minutes on one {where}, for {images:,} "
        f"training images: {images / seconds:,.0f} a second, with all that is beside the steps."
    )
