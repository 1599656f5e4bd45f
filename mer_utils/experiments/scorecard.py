"""A scorecard: what can be said of predictions alone, as the book says it of its own."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from mer_utils import stats
from mer_utils.datasets import Problem
from mer_utils.metrics import METRICS, confusion_matrix, extremes, scores_by
from mer_utils.metrics.predictions import CLIP_KEY, each_group
from mer_utils.registry import unknown

#: All data sets together, as in the composite evaluation of MEGC2019.
TOGETHER = "all together"


@dataclass(frozen=True)
class Scorecard:
    """Scores, intervals, confusions and paired comparisons of some systems.

    Parameters
    ----------
    predictions : DataFrame
        dataset, system, seed, subject, clip, y_true and y_pred, the last two categories of the
        same classes; a blank subject is one that nobody knows.
    baseline : str, optional
        The system that all others are compared with; by default the first.
    own_classes : bool
        Each data set has classes of its own, those that occur in it. Else all have the same.
    """

    predictions: pd.DataFrame
    baseline: str | None = None
    own_classes: bool = False

    def __post_init__(self) -> None:
        if self.baseline is not None and self.baseline not in self.systems:
            raise unknown("system", self.baseline, self.systems)

    @property
    def systems(self) -> list[str]:
        """Names of the systems in the order in which they come."""
        return list(dict.fromkeys(self.predictions["system"]))

    @property
    def base(self) -> str:
        """The system that the others are compared with."""
        return self.baseline or self.systems[0]

    @cached_property
    def parts(self) -> dict[str, pd.DataFrame]:
        """Rows by data set, then those of all together where their classes are the same."""
        parts = {}
        for keys, rows in each_group(self.predictions, ["dataset"]):
            rows = rows.astype({"system": pd.CategoricalDtype(self.systems)})
            parts[keys["dataset"]] = _own_classes(rows) if self.own_classes else rows
        classes = {tuple(_classes(rows)) for rows in parts.values()}
        if len(parts) > 1 and len(classes) == 1:
            subject = self.predictions["dataset"] + "-" + self.predictions["subject"]
            rows = self.predictions.assign(subject=subject, dataset=TOGETHER)
            parts[TOGETHER] = rows.astype({"system": pd.CategoricalDtype(self.systems)})
        return parts

    def _each(self) -> Iterator[tuple[str, str, pd.DataFrame]]:
        for dataset, rows in self.parts.items():
            for keys, part in each_group(rows, ["system"]):
                yield dataset, str(keys["system"]), part

    @cached_property
    def scores(self) -> pd.DataFrame:
        """Pooled scores as `stats.intervals` gives them, per data set and system.

        Beside them ``chance``, the score of whoever names the most frequent class always, and
        ``p_chance``, see `stats.chance_p`.
        """
        found = []
        for dataset, system, rows in self._each():
            table = stats.intervals(rows, [])
            known = bool((rows["subject"] != "").all())
            clips = rows.drop_duplicates(list(CLIP_KEY))
            codes = clips["y_true"].cat.codes.to_numpy()
            floor = extremes(codes, len(_classes(rows)))
            most = floor.loc[f"always {np.bincount(codes).argmax()}"]
            table["chance"] = most[list(METRICS)].to_numpy()
            table["p_chance"] = stats.chance_p(rows) if known else np.nan
            if not known:
                table["n_subjects"] = 0
            table.insert(0, "system", system)
            table.insert(0, "dataset", dataset)
            found.append(table)
        return pd.concat(found, ignore_index=True)

    @cached_property
    def confusions(self) -> dict[tuple[str, str], pd.DataFrame]:
        """Confusion matrices by data set and system: true classes down, all seeds counted."""
        found = {}
        for dataset, system, rows in self._each():
            names = _classes(rows)
            true, called = (rows[side].cat.codes.to_numpy() for side in ("y_true", "y_pred"))
            counts = confusion_matrix(true, called, len(names))
            found[dataset, system] = pd.DataFrame(counts, names, names)
        return found

    @cached_property
    def by_class(self) -> pd.DataFrame:
        """Recall, precision and F1 of every class, per data set and system, over all seeds."""
        found = []
        for (dataset, system), matrix in self.confusions.items():
            counts = matrix.to_numpy(float)
            hits, true, called = np.diagonal(counts), counts.sum(axis=1), counts.sum(axis=0)
            with np.errstate(invalid="ignore"):
                measures = {"recall": hits / true, "precision": hits / called}
                measures["f1"] = 2 * hits / (true + called)
            head = {"dataset": dataset, "system": system, "class": list(matrix.columns)}
            found.append(pd.DataFrame({**head, "n_true": true.astype(int), **measures}))
        return pd.concat(found, ignore_index=True)

    @cached_property
    def comparisons(self) -> pd.DataFrame:
        """Every system minus the baseline on the clips that both have, see `stats.compare`.

        Holm's correction is over all systems and data sets.
        """
        base, found = self.base, []
        for dataset, rows in self.parts.items():
            if (rows["subject"] == "").any():
                continue
            rows = rows.astype({"system": str})
            for system in self.systems:
                pair = rows[rows["system"].isin([base, system])]
                if system == base or pair["system"].nunique() < 2 or not _shared(pair):
                    continue
                compared = stats.compare(pair, base, system, column="system", by=["dataset"])
                found.append(compared.assign(dataset=dataset))
        if not found:
            return pd.DataFrame()
        table = pd.concat(found, ignore_index=True)
        for name in ("p_bootstrap", "p_wilcoxon", "p_mcnemar"):
            adjusted = table.groupby("metric")[name].transform(lambda p: stats.holm(p.to_numpy()))
            table[f"{name}_holm"] = adjusted
        return table

    @cached_property
    def problems(self) -> list[Problem]:
        """What a reader of these scores should know: see the chapter on pitfalls."""
        return [*self._of_classes(), *self._of_clips(), *self._of_averages()]

    def _of_classes(self) -> Iterator[Problem]:
        for dataset, rows in self.parts.items():
            place = dataset or "the predictions"
            counts = rows["y_true"].value_counts()
            if absent := [name for name in _classes(rows) if not counts[name]]:
                said = f"no clip of {place} is truly of class {', '.join(absent)}"
                remedy = (
                    "compare with scores over the same classes only: UAR leaves such a class "
                    "out, and in UF1 it counts 0 as soon as it is named once"
                )
                yield Problem("warning", "absent class", said, remedy, place)
            by_person = rows.groupby("y_true", observed=True)["subject"].unique()
            for name, people in by_person.items():
                if len(people) == 1 and people[0]:
                    said = f"class {name} of {place} is one subject's only, {people[0]}"
                    remedy = "its recall says what happened to one person"
                    yield Problem("warning", "class of one subject", said, remedy, place)
        for (dataset, system), matrix in self.confusions.items():
            there = matrix.sum(axis=1) > 0
            if never := list(matrix.columns[there & (matrix.sum(axis=0) == 0)]):
                said = f"{system} never names {', '.join(never)} on {dataset or 'these clips'}"
                remedy = "none needed: its recall and F1 are 0"
                yield Problem("note", "absent class", said, remedy, system)

    def _of_clips(self) -> Iterator[Problem]:
        for dataset, rows in self.parts.items():
            runs = {keys: _keys(part) for keys, part in _runs(rows)}
            every, shared = set.union(*runs.values()), set.intersection(*runs.values())
            for (system, seed), clips in runs.items():
                if lacking := sorted(every - clips):
                    of = f"{system}, seed {seed}" if seed else system
                    said = f"{of} lacks {len(lacking)} of {len(every)} clips of "
                    said += f"{dataset or 'the others'}, such as {lacking[0][-1]!r}"
                    remedy = f"predict them too; pairs are compared on the clips that both have \
({len(shared)} are in all), while scores are each system's own"
                    yield Problem("warning", "differing clips", said, remedy, system)

    def _of_averages(self) -> Iterator[Problem]:
        for dataset, rows in self.parts.items():
            if (rows["subject"] == "").any():
                continue
            each = scores_by(rows.astype({"system": str}), ["system", "seed"], subject_mean=True)
            for system, table in each.groupby("system", sort=False):
                pooled, mean = table["uf1_pooled"].mean(), table["uf1_subject_mean"].mean()
                if abs(mean - pooled) >= 0.005:
                    said = f"UF1 of {system} on {dataset or 'these clips'} is {pooled:.3f} pooled "
                    said += f"and {mean:.3f} as a mean over subjects"
                    remedy = "compare only with scores that are pooled as here"
                    yield Problem("note", "fold averages", said, remedy, str(system))


def _own_classes(rows: pd.DataFrame) -> pd.DataFrame:
    used = {*rows["y_true"], *rows["y_pred"]}
    names = [name for name in rows["y_true"].cat.categories if name in used]
    return rows.assign(**{s: rows[s].cat.set_categories(names) for s in ("y_true", "y_pred")})


def _classes(rows: pd.DataFrame) -> list[str]:
    return list(rows["y_true"].cat.categories)


def _runs(rows: pd.DataFrame) -> Iterator[tuple[tuple[str, str], pd.DataFrame]]:
    for keys, part in each_group(rows, ["system", "seed"]):
        yield (str(keys["system"]), str(keys["seed"])), part


def _keys(rows: pd.DataFrame) -> set[tuple[str, ...]]:
    return set(rows[list(CLIP_KEY)].itertuples(index=False, name=None))


def _shared(pair: pd.DataFrame) -> bool:
    return bool(set.intersection(*(_keys(part) for _, part in _runs(pair))))
