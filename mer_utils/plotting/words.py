"""Words for the rows of a results frame: made where they are printed, from typed columns.

A row says in columns what was trained and shown; which of them tell its table's rows apart is
the table's to say. A difference has ``base_c`` beside each such column ``c``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import pandas as pd

from mer_utils import models
from mer_utils.datasets import title
from mer_utils.frames.spotting import is_spotted
from mer_utils.metrics import METRICS

Row = Mapping[Any, Any] | pd.Series

AS_ANNOTATED = "as annotated"
#: Views whose probabilities are averaged.
AVERAGES = {
    "onset_apex+apex_offset": "average of halves",
    "full+onset_apex+apex_offset": "average of all three",
    "onset_apex+offset_apex": "average of halves, fall reversed",
    "full+onset_apex+offset_apex": "average of all three, fall reversed",
}


#: Data sets that are synthetic twins wherever words are made of their names: see `name_twins`.
_TWINS: set[str] = set()


def name_twins(names: Iterable[str]) -> None:
    """Say from now on in every title that these data sets are twins, and of no others."""
    _TWINS.clear()
    _TWINS.update(names)


def dataset_title(name: str) -> str:
    """Return how a data set is written for a reader, who must see whose faces are meant.

    Examples
    --------
    >>> dataset_title("casme2")
    'CASME II'
    """
    return f"{title(name)} twin" if name in _TWINS else title(name)


def dataset_words(name: str) -> str:
    """Return the same within a sentence: a twin has an article."""
    return "the " * (name in _TWINS) + dataset_title(name)


def model_title(name: str) -> str:
    """Return how a model, or whatever else a line stands for, is written for a reader."""
    return models.title(name) if name in models.MODELS else str(name).replace("_", " ")


def table_of(name: str) -> str:
    """Return how a table's name is written for a reader.

    Examples
    --------
    >>> table_of("table2"), table_of("phase_difference")
    ('Table 2', 'phase difference')
    """
    return re.sub(r"^table(?=\d)", "Table ", name).replace("_", " ")


def metric_title(name: str) -> str:
    """Return how a metric is written for a reader.

    Examples
    --------
    >>> metric_title("uar_pooled"), metric_title("accuracy"), metric_title("f1_mean")
    ('pooled UAR', 'pooled accuracy', 'f1 mean')
    """
    metric = name.removesuffix("_pooled")
    if metric not in METRICS:
        return name.replace("_", " ")
    return f"pooled {metric if metric == 'accuracy' else metric.upper()}"


def image_words(row: Row) -> str:
    """Return the words for a kind of image.

    Examples
    --------
    >>> image_words({"kind": "bilen", "scaling": "minmax", "frames": None})
    'bilen, minmax, all frames'
    >>> image_words({"source": "apex_difference", "scaling": "minmax"})
    'apex difference, minmax'
    """
    scaling = row.get("scaling", "minmax")
    if row.get("source") == "apex_difference":
        return f"apex difference, {scaling}"
    frames = row.get("frames")
    pooled = "all frames" if frames is None or _absent(frames) else f"{int(frames)} frames"
    return f"{row.get('kind', 'bilen')}, {scaling}, {pooled}"


def annotation_words(row: Row) -> str:
    """Return the words for an annotation that was moved on purpose; "" for one that was not.

    Examples
    --------
    >>> annotation_words({"cut": "random", "apex_shift": 4, "trim": 2})
    'random cut, apex ±4, trimmed by 2'
    >>> annotation_words({"cut": "midpoint"}), annotation_words({"cut": "spotted:regions:1"})
    ('cut at the midpoint', 'apex spotted by regions')
    """
    shift, trim = (0 if _absent(row.get(c)) else int(row[c]) for c in ("apex_shift", "trim"))
    cuts = {"random": "random cut", "midpoint": "cut at the midpoint"}
    parts = [cuts[row["cut"]]] if row.get("cut") in cuts else []
    parts += [f"apex {_spotted(row['cut'])}"] if is_spotted(row.get("cut")) else []
    parts += [f"apex ±{shift}"] if shift else []
    parts += [f"trimmed by {trim}"] if trim else []
    return ", ".join(parts)


def rules_words(row: Row) -> str:
    """Return the words for rules other than leaving out the views that a clip lacks, else "".

    Examples
    --------
    >>> rules_words({"missing_apex": "drop", "degenerate_phase": "drop_clip"})
    'missing apex: drop, degenerate: drop_clip'
    >>> rules_words({"missing_apex": "skip_view"})
    ''
    """
    missing, degenerate = row.get("missing_apex"), row.get("degenerate_phase")
    missing, degenerate = (
        "skip_view" if _absent(v) or v == "own" else v for v in (missing, degenerate)
    )
    tail = "" if degenerate == "skip_view" else f", degenerate: {degenerate}"
    missing = _spotted(str(missing)) if is_spotted(missing) else missing
    return f"missing apex: {missing}{tail}" if tail or missing != "skip_view" else ""


def _spotted(rule: str) -> str:
    return f"spotted by {rule.split(':')[1]}"


#: Columns that make one part of the words together, and what makes it.
TOGETHER: dict[tuple[str, ...], Callable[[Row], str]] = {
    ("source", "kind", "scaling", "frames"): image_words,
    ("cut", "apex_shift", "trim"): annotation_words,
    ("missing_apex", "degenerate_phase"): rules_words,
}


def setting_words(row: Row, columns: Sequence[str] = ("setting",)) -> str:
    """Return the words for what these columns of a row say.

    Examples
    --------
    >>> setting_words({"setting": "dual", "spatial": "flip"}, ("setting", "spatial"))
    'dual, flip'
    >>> moved = {"apex_shift": 0, "trim": 0, "missing_apex": "skip_view"}
    >>> setting_words(moved, ("apex_shift", "trim", "missing_apex"))
    'as annotated'
    """
    parts: dict[object, str] = {}
    for column in columns:
        group = next((names for names in TOGETHER if column in names), None)
        if group is None:
            parts[column] = AVERAGES.get(str(row[column]), str(row[column]))
        elif group not in parts:
            parts[group] = TOGETHER[group](row)
    return ", ".join(filter(None, parts.values())) or AS_ANNOTATED


def comparison_words(row: Row, columns: Sequence[str] = ("setting",)) -> str:
    """Return the words for a difference: of what these columns say, and its baseline's.

    Examples
    --------
    >>> row = {"setting": "dual", "base_setting": "matched single", "spatial": "flip"}
    >>> comparison_words(row | {"base_spatial": "flip"}, ("setting", "spatial"))
    'dual, flip minus matched single, flip'
    """
    return f"{setting_words(row, columns)} minus {base_words(row, columns)}"


def base_words(row: Row, columns: Sequence[str] = ("setting",)) -> str:
    """Return the words for the baseline of a difference."""
    row = dict(row)
    return setting_words({c: row.get(f"base_{c}", row[c]) for c in row}, columns)


def in_words(frame: pd.DataFrame, columns: Sequence[str] = ("setting",)) -> pd.Series:
    """Return the words for every row; those of a comparison where the frame has baselines."""
    compared = any(f"base_{column}" in frame for column in columns)
    words = comparison_words if compared else setting_words
    rows = frame.astype(object).to_dict("records")
    return pd.Series([words(row, columns) for row in rows], index=frame.index, dtype=object)


def _absent(value: object) -> bool:
    return value is None or value is pd.NA or value != value
