"""Predictions that were made anywhere: read from a file, judged, and joined to clips known here.

A file (CSV, Excel or Parquet) has one row per prediction: ``clip``, ``y_true``, and ``y_pred`` or
one column of probabilities per class (``p_0``, ``p_happiness``); and, where it knows them,
``subject``, ``dataset``, ``system``, ``seed`` and ``fold``. Classes are numbers from 0, or names.
Every problem is found before any is reported.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mer_utils.datasets import SCHEMES, Problem, plausible, worst
from mer_utils.datasets.plausible import canonical
from mer_utils.datasets.rows import oddity, text
from mer_utils.datasets.sheets import Fields, pick
from mer_utils.datasets.spreadsheets import read_tables
from mer_utils.datasets.table_rows import NO_VALUE
from mer_utils.errors import MerError
from mer_utils.frames.layout import printable
from mer_utils.metrics import average_seeds
from mer_utils.metrics.arrays import fault_of_probabilities
from mer_utils.metrics.predictions import CLIP_KEY, each_group
from mer_utils.registry import unknown
from mer_utils.runs import RunStore

#: For each field the titles that name it; of subject, dataset, system, seed and fold it may lack.
HEADERS = {
    "clip": ("clip", "clip name", "filename", "video", "sample"),
    "y_true": ("y_true", "true", "label", "target", "ground truth", "gt"),
    "y_pred": ("y_pred", "pred", "prediction", "predicted"),
    "subject": ("subject", "subject id", "sub", "participant"),
    "dataset": ("dataset", "data set", "database"),
    "seed": ("seed",),
    "fold": ("fold", "held_out"),
}
#: What tells systems apart where the user does not say it: the first of these that is there.
SYSTEM = "system"
_PROBABILITY = re.compile(r"(?:p|prob|proba|probability|score|logit)[_ ](.+)", re.IGNORECASE)
_NUMBER = re.compile(r"[0-9]{1,9}(\.0*)?")
#: More classes than this are something else: names of clips, or numbers of people.
MAX_CLASSES = 1000
#: More systems of a store than this are no comparison that anybody reads.
MAX_SYSTEMS = 12
#: Columns of a store by which its systems differ, in the order in which they are named.
_NAMING = (
    *("model", "setting", "spatial", "source", "kind", "scaling", "frames", "cut", "apex_shift"),
    *("trim", "missing_apex", "degenerate_phase", "evaluation"),
)


def read_predictions(
    files: Sequence[Path],
    systems: Sequence[str] = (),
    columns: Sequence[str] = (),
    classes: Sequence[str] = (),
    *,
    ensemble: bool = False,
) -> tuple[pd.DataFrame, list[Problem]]:
    """Read files of predictions as one frame, and list every problem.

    Parameters
    ----------
    files : sequence of Path
    systems : sequence of str
        Columns whose values together name a system; by default ``system`` where a file has it,
        else the file's name.
    columns : sequence of str
        ``FIELD=COLUMN``, where titles are others than `HEADERS`.
    classes : sequence of str
        Names of the classes in the order of their numbers.
    ensemble : bool
        Add a system for each that has several seeds: their probabilities, averaged.

    Returns
    -------
    predictions : DataFrame
        dataset, system, seed, fold, subject, clip, y_true and y_pred, the last two as
        categories of the classes' names. What a file does not say is ``""``.
    problems : list of Problem
        With an error among them the frame is not to be used.
    """
    if len(set(map(canonical, classes))) < len(classes):
        said = f"--classes names one class twice: {', '.join(classes)}"
        raise MerError("invalid option", said, "each class once", "correct it")
    problems: list[Problem] = []
    parts = [_read(Path(file), list(systems), tuple(columns), problems, ensemble) for file in files]
    frame = pd.concat(parts, ignore_index=True)
    if not any(problem.severity == "error" for problem in problems):
        frame = _classified(frame, list(classes), problems)
        _judge(frame, problems)
    return frame[[*CLIP_KEY, "system", "seed", "fold", "y_true", "y_pred"]], problems


def _read(
    path: Path,
    systems: list[str],
    columns: tuple[str, ...],
    problems: list[Problem],
    ensemble: bool,
) -> pd.DataFrame:
    tables = read_tables(path)
    headers: dict[str, tuple[str, ...]] = {**HEADERS, SYSTEM: (SYSTEM,)}
    headers |= {name: (name,) for name in systems if name not in headers}
    required = ["clip", "y_true", *systems]
    base = Fields(headers, tuple(set(headers) - set(required)), columns)
    located = [(table.rows, base.locate(table)[0]) for table in tables]
    header = [cell for rows, at in located if at >= 0 for cell in rows[at]]
    shares = {t: m[1] for t in map(text, header) if (m := _PROBABILITY.fullmatch(t))}
    _require_shares(path, shares)
    if len(shares) < 2:  # of one class alone nothing can be the most probable
        shares = {}
    if not base.places([*header]).get("y_pred") and not shares:
        required.append("y_pred")
    headers |= {title: (title,) for title in shares}
    sheet = pick(path, tables, Fields(headers, tuple(set(headers) - set(required)), columns))
    problems += sheet.problems
    number = [n for n, _ in sheet.rows]
    frame = pd.DataFrame([cells for _, cells in sheet.rows], index=number, dtype=object)
    for name in frame:
        why = frame[name].map(oddity)
        for row, said in why[why != ""].items():
            problems.append(_fault(path, row, "odd cell", f"{name} {said}", "the value itself"))
        frame[name] = frame[name].map(text)
        if name not in shares and name not in ("seed", "fold"):
            for row in frame.index[frame[name].str.lower().isin(["", *NO_VALUE])]:
                problems.append(_fault(path, row, "blank cell", f"{name} is blank", "a value"))
    if frame.empty:
        raise MerError(
            "no results",
            f"{printable(path)} has a header and no row",
            "one row per prediction",
            "write the predictions below the header",
            printable(path),
        )
    found = {f: frame[f] for f in ("clip", "y_true", "subject", "dataset", "seed", "fold")
             if f in frame}  # fmt: skip
    named = systems or ([SYSTEM] if SYSTEM in frame else [])
    said = frame[named].agg(", ".join, axis=1) if named else path.stem
    read = pd.DataFrame(found, index=frame.index).assign(system=said)
    read = read.assign(**{f: "" for f in ("subject", "dataset", "seed", "fold") if f not in read})
    predicted = _most_probable(path, frame, shares, problems) if shares else None
    if "y_pred" in frame:
        read["y_pred"] = frame["y_pred"]
        if predicted is not None and (other := int((predicted != read["y_pred"]).sum())):
            said = f"in {other} of {len(read)} rows y_pred is not the class of highest probability"
            problems.append(_note(path, "bad predictions", said, "none needed: y_pred is scored"))
    else:
        read["y_pred"] = predicted
    read = read.assign(_place=f"{path.name} row " + pd.Series(number, number).astype(str))
    several = read.groupby("system")["seed"].nunique().max() > 1
    if ensemble and not (several and shares):
        said = "no system has probabilities from several seeds, so there is nothing to average"
        problems.append(_note(path, "bad predictions", said, "add columns of both, or leave it"))
    elif ensemble and worst(problems) != "error":
        names = dict(enumerate(shares.values()))
        values = frame[list(shares)].astype(float).set_axis([f"p_{k}" for k in names], axis=1)
        read = _with_ensembles(read.join(values))[list(read)]
        read["y_pred"] = read["y_pred"].map(lambda predicted: names.get(predicted, predicted))
    read.attrs["classes"] = list(shares.values())
    return read


def _require_shares(path: Path, shares: Mapping[str, str]) -> None:
    """Refuse two columns for the probability of one class."""
    by_class: dict[str, str] = {}
    for title, name in shares.items():
        if (other := by_class.setdefault(canonical(name), title)) != title:
            raise MerError(
                "ambiguous column",
                f"{printable(path)}: columns {other!r} and {title!r} both fit class {name!r}",
                "one column for each class",
                "rename or remove the other",
                printable(path),
            )


def _with_ensembles(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the rows, and those of each system's seeds averaged, with classes by number."""
    found = average_seeds(rows, ["system"])
    counts = found["n_seeds"].astype(str)
    found = found.assign(system=found["system"] + ", " + counts + " seeds averaged", seed="")
    return pd.concat([rows, found.drop(columns="n_seeds")], ignore_index=True)


def _most_probable(
    path: Path, frame: pd.DataFrame, shares: Mapping[str, str], problems: list[Problem]
) -> pd.Series:
    """Return the class of highest probability of each row, and say what is odd about them."""
    values = frame[list(shares)].apply(pd.to_numeric, errors="coerce").to_numpy(float)
    good, wanted = np.isfinite(values), "a finite number for each class, with a decimal point"
    for row, of_row in zip(frame.index, good, strict=True):
        for title in np.array(list(shares))[~of_row][:1]:
            said = f"{title} is {frame.loc[row, title]!r}"
            problems.append(_fault(path, row, "bad predictions", said, wanted))
    values = np.nan_to_num(values, nan=-np.inf)
    if good.all() and (said := fault_of_probabilities(values)):
        remedy = "none needed if they are scores: the highest one of a row is its prediction"
        problems.append(_note(path, "bad predictions", f"of the probabilities, {said}", remedy))
    ties = int(((values == values.max(axis=1, keepdims=True)).sum(axis=1) > 1).sum())
    if good.all() and ties and "y_pred" not in frame:
        said = f"in {ties} of {len(frame)} rows two classes are equally probable"
        problems.append(_note(path, "bad predictions", said, "none needed: the first one is taken"))
    return pd.Series(np.array(list(shares.values()))[values.argmax(axis=1)], frame.index)


def _classified(frame: pd.DataFrame, names: list[str], problems: list[Problem]) -> pd.DataFrame:
    """Return the frame with its classes as categories: those named, or those that occur."""
    sides = frame[["y_true", "y_pred"]]
    numbered = sides.apply(lambda side: side.map(lambda v: bool(_NUMBER.fullmatch(v))))
    if not numbered.to_numpy().all() and numbered.to_numpy().any() and not names:
        odd = frame[numbered["y_true"] != numbered["y_pred"]]
        place = odd["_place"].iloc[0] if len(odd) else frame["_place"].iloc[0]
        said = "classes are numbers in some cells and names in others"
        remedy = "name the classes in the order of their numbers, as in --classes negative,positive"
        problems.append(
            Problem("error", "bad predictions", f"{place}: {said}", remedy, place, "one of both")
        )
        return frame
    if not numbered.to_numpy().any() or names:
        spelling = {canonical(name): name for name in names}
        if not names:
            for value in sorted({*sides["y_true"], *sides["y_pred"]}):
                first = spelling.setdefault(canonical(value), value)
                if first != value:
                    said = f"{value!a} is taken for the class {first!a}"
                    problems.append(Problem("note", "near-duplicate names", said, "none needed"))
        by_number = dict(enumerate(names))

        def named(value: str) -> str:
            if names and _NUMBER.fullmatch(value):
                return by_number.get(int(float(value)), value)
            return spelling.get(canonical(value), value)

        sides = sides.map(named)
        known = names or sorted(set(spelling.values()))
    else:
        sides = sides.map(lambda value: str(int(float(value))))
        share = {int(float(n)) for n in frame.attrs.get("classes", []) if _NUMBER.fullmatch(n)}
        most = max(*sides.astype(int).max(), *share, 1)
        known = list(map(str, range(min(1 + most, MAX_CLASSES))))
    for side in sides:
        odd = ~sides[side].isin(known)
        for place, value in zip(frame["_place"][odd], sides[str(side)][odd], strict=True):
            said = f"{place}: {side} is {value!r}, which is no class"
            remedy = "correct it, or name every class in --classes"
            classes = ", ".join([*known[:10], *["..."] * (len(known) > 10), *known[10:][-1:]])
            problems.append(Problem("error", "bad predictions", said, remedy, place, classes))
    return frame.assign(
        y_true=pd.Categorical(sides["y_true"], known), y_pred=pd.Categorical(sides["y_pred"], known)
    )


def _judge(frame: pd.DataFrame, problems: list[Problem]) -> None:
    """Note what makes a score another one than it seems: repeats, folds, subjects unknown."""
    one = ["system", "seed", *CLIP_KEY]
    for row in frame.index[frame.duplicated(one)]:
        place = frame.loc[row, "_place"]
        said = f"{place}: clip {frame.loc[row, 'clip']!r} has another prediction already"
        remedy = (
            "remove the row; or name the columns that tell its rows apart, as in --system "
            "model --system test_view, or call one seed"
        )
        expected = "one prediction per clip, system and seed"
        problems.append(Problem("error", "bad predictions", said, remedy, place, expected))
    for keys, rows in each_group(frame, CLIP_KEY):
        if len(labels := dict.fromkeys(rows["y_true"])) > 1:
            said = f"clip {keys['clip']!r} of {keys['subject'] or 'its subject'} is truly "
            said += " and ".join(labels)
            problems.append(
                Problem("error", "bad predictions", said, "correct it", keys["clip"], "one class")
            )
    clips: Any = frame[list(CLIP_KEY)].drop_duplicates().itertuples(index=False, name=None)
    problems += [replace(p, severity="warning") for p in plausible.names(list(clips), [])]
    if (frame["subject"] == "").any():
        said = "there is no column subject, so nobody knows whose clips are one person's"
        remedy = "add it: without it there is no interval, no paired test and no chance floor"
        problems.append(Problem("warning", "unknown subjects", said, remedy))
        return
    if (frame["fold"] == "").any():
        said = "there is no column fold: whether a system was trained on clips of those it is"
        said += " tested on cannot be seen"
        remedy = "add it, or make sure of it: one subject in training and test flatters any score"
        problems.append(Problem("note", "mixed folds", said, remedy))
        return
    folds = frame.groupby(["system", "seed", "dataset", "subject"])["fold"].nunique()
    if len(several := folds[folds > 1]):
        system, _, _, subject = several.index[0]
        said = f"{len(several)} subject(s) are tested in more than one fold, such as {subject!r} "
        said += f"of {system!r}: in each, the others' training set shows the same person"
        remedy = "make folds of whole subjects; this score is no leave-one-subject-out score"
        problems.append(Problem("warning", "mixed folds", said, remedy))


def join(predictions: pd.DataFrame, known: pd.DataFrame) -> tuple[pd.DataFrame, list[Problem]]:
    """Join predictions to clips known here: find each one's data set and subject, compare labels.

    Parameters
    ----------
    predictions : DataFrame
        As `read_predictions` returns it.
    known : DataFrame
        dataset, subject, clip, and y_true by name.

    Returns
    -------
    predictions : DataFrame
        In the spelling of `known` where a clip was found.
    problems : list of Problem
        Clips that match none, labels that differ, and what was guessed.
    """
    problems: list[Problem] = []
    known = known.drop_duplicates(list(CLIP_KEY)).astype({"y_true": str})
    exact: set[tuple[Any, ...]] = set(known[list(CLIP_KEY)].itertuples(index=False, name=None))
    if (predictions["dataset"] == "").all():
        clips = set(predictions["clip"])
        fits = {
            str(name): len(clips & set(part["clip"])) for name, part in known.groupby("dataset")
        }
        best = max(fits, key=lambda name: fits[name])
        said = f"there is no column dataset: {best} is taken, which has {fits[best]} of "
        problems.append(
            Problem("note", "unmatched predictions", f"{said}{len(clips)} clips", "none needed")
        )
        predictions = predictions.assign(dataset=best)
    loose: dict[tuple[str, ...], set[tuple[Any, ...]]] = {}
    for found in exact:
        for form in _loosely(*found):
            loose.setdefault(form, set()).add(found)
    owns = list(predictions[list(CLIP_KEY)].itertuples(index=False, name=None))
    keys: list[tuple[Any, ...] | None] = []
    for own in owns:
        near = {own} if own in exact else loose.get(_loosely(*own)[not own[1]], set())
        keys.append(next(iter(near)) if len(near) == 1 else None)
    guessed = [(own, key) for own, key in zip(owns, keys, strict=True) if key and own != key]
    if guessed:
        (_, who, clip), key = guessed[0]
        said = f"{len(guessed)} rows are matched by the number of their subject or by the clip "
        said += f"alone, as {who} {clip!r} to {' '.join(key)!r}"
        problems.append(Problem("note", "unmatched predictions", said, "none needed"))
    claimed: dict[tuple[Any, ...], tuple[Any, ...]] = {}
    for own, match in zip(owns, keys, strict=True):
        if match and (first := claimed.setdefault(match, own)) != own:
            said = f"{' '.join(first)!r} and {' '.join(own)!r} both match {' '.join(match)!r}"
            remedy = "correct the names of subjects and clips"
            problems.append(
                Problem("error", "unmatched predictions", said, remedy, own[2], "one of them")
            )
    joined = predictions.copy()
    matched = np.array([key is not None for key in keys])
    for place, name in enumerate(CLIP_KEY):
        joined[name] = [k[place] if k else o for k, o in zip(keys, joined[name], strict=True)]
    _unmatched(predictions[~matched], known, bool(matched.any()), problems)
    return _labelled(joined, matched, known, problems), problems


def _loosely(dataset: str, subject: str, clip: str) -> tuple[tuple[str, ...], ...]:
    """Return a clip's key with its subject by number (sub01, s1 and 1 are one), and without it."""
    digits = re.findall(r"\d+", subject)
    who = str(int(digits[-1])) if digits else subject.casefold()
    return (dataset, who, clip.casefold()), (dataset, "", clip.casefold())


def _unmatched(
    rows: pd.DataFrame, known: pd.DataFrame, any_matched: bool, problems: list[Problem]
) -> None:
    clips = list(dict.fromkeys(known["clip"]))
    for _, row in rows.drop_duplicates(list(CLIP_KEY)).iterrows():
        near = get_close_matches(row["clip"], clips, 1)
        said = f"clip {row['clip']!r} of subject {row['subject'] or 'unknown'!r} matches none"
        remedy = "correct its name, subject or dataset" + "".join(f"; {n!r} is close" for n in near)
        if any_matched:
            remedy += "; else it is scored, and compared with nothing here"
        # One of the two words that a severity can be; mypy takes it for any text.
        severity = "warning" if any_matched else "error"
        expected = f"clips such as {clips[0]!r} of {known['subject'].iloc[0]!r}"
        problems.append(
            Problem(severity, "unmatched predictions", said, remedy, row["clip"], expected)  # type: ignore[arg-type]
        )


def _labelled(
    joined: pd.DataFrame, matched: np.ndarray, known: pd.DataFrame, problems: list[Problem]
) -> pd.DataFrame:
    """Give classes the names of `known`, and say which labels differ from those there."""
    labels = known.set_index(list(CLIP_KEY))["y_true"]
    theirs = labels.reindex(pd.MultiIndex.from_frame(joined.loc[matched, list(CLIP_KEY)]))
    names = list(known.attrs.get("classes") or sorted(labels.unique()))
    own = list(joined["y_true"].cat.categories)
    if all(map(str.isdigit, own)) and not all(map(str.isdigit, names)) and len(own) <= len(names):
        spelling = dict(zip(own, names, strict=False))
        said = f"class numbers are taken for {', '.join(f'{n} {s}' for n, s in spelling.items())}"
        problems.append(Problem("note", "unmatched predictions", said, "none needed"))
    else:
        folded = {name.casefold(): name for name in names}
        spelling = {name: folded.get(name.casefold(), name) for name in own}
    shared = [*names, *(s for s in spelling.values() if s not in names)]
    for side in ("y_true", "y_pred"):
        joined[side] = pd.Categorical(joined[side].astype(str).map(spelling), shared)
    here = joined[matched]
    differ = here[here["y_true"].astype(str).to_numpy() != theirs.to_numpy()]
    for _, row in differ.drop_duplicates(list(CLIP_KEY)).iterrows():
        there = labels[tuple(row[list(CLIP_KEY)])]
        said = f"clip {row['clip']!r} of {row['subject']!r} is truly {row['y_true']!r}"
        remedy = "correct it; or name the classes in the order of their numbers with --classes"
        expected = f"{there!r}, as here"
        problems.append(Problem("error", "bad predictions", said, remedy, row["clip"], expected))
    return joined


def of_store(
    store: RunStore,
    wanted: Sequence[str] = (),
    *,
    ensemble: bool = False,
    own: Sequence[str] = (),
) -> pd.DataFrame:
    """Read the systems of a store, on the view full: one row per prediction, classes by name.

    Parameters
    ----------
    store : RunStore
    wanted : sequence of str
        ``COLUMN=VALUE``, such as ``model=learnet``: only those; values of one column are
        alternatives.
    ensemble : bool
        Add a system for each that has several seeds: their probabilities, averaged.
    own : sequence of str
        The classes of runs on tables with labels of their own, of which a store has numbers.

    Raises
    ------
    MerError
        "no results" if nothing is left; "unknown name"; "invalid option".
    """
    rows = store.predictions(store.specs())
    rows = rows[rows["test_view"] == "full"]
    asked: dict[str, list[str]] = {}
    for condition in wanted:
        column, _, value = condition.partition("=")
        if column not in rows:
            raise unknown("column of the store", column, [*_NAMING, "dataset"])
        asked.setdefault(column, []).append(value)
    for column, values in asked.items():
        there = rows[column].astype(str)
        for value in values:
            if value not in set(there):
                raise unknown(column, value, sorted(set(there)))
        rows = rows[there.isin(values)]
    varied = [c for c in _NAMING if c in ("model", "setting") or len(set(rows[c].astype(str))) > 1]
    rows = rows.assign(system=rows[varied].astype(str).agg(", ".join, axis=1))
    rows = _with_ensembles(rows) if ensemble else rows
    schemes = set(rows["scheme"])
    classes = {s: SCHEMES[s].classes if s in SCHEMES else tuple(own) for s in schemes}

    def named(column: str) -> list[str]:
        pairs = zip(rows["scheme"], rows[column], strict=True)
        return [classes[s][k] if k < len(classes[s]) else str(k) for s, k in pairs]

    found = rows[[*CLIP_KEY, "seed", "system"]].astype({"seed": str}).assign(
        fold=rows["subject"], y_true=named("y_true"), y_pred=named("y_pred")
    )  # fmt: skip
    found.attrs["classes"] = list(dict.fromkeys(n for names in classes.values() for n in names))
    return found


def few_systems(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of a store, or raise "invalid option" if they are of too many systems."""
    systems = list(dict.fromkeys(rows["system"]))
    if len(systems) > MAX_SYSTEMS:
        raise MerError(
            "invalid option",
            f"the store holds {len(systems)} systems on these clips, such as {systems[0]!r}",
            f"at most {MAX_SYSTEMS} to compare with",
            "choose some of them, as in --with model=learnet --with setting=dual",
        )
    return rows


def _fault(path: Path, row: Any, kind: str, said: str, expected: str) -> Problem:
    place = f"{path.name} row {row}"
    return Problem("error", kind, f"{place}: {said}", "correct the cell", place, expected)


def _note(path: Path, kind: str, said: str, remedy: str) -> Problem:
    return Problem("warning", kind, f"{path.name}: {said}", remedy, path.name)
