"""Verification: whether the folds computed here are those that were recorded elsewhere.

A *reference* is an archive of a finished profile (see `mer_utils.runs.archive`) with a file
``reference.json``: where it was computed, and the versions of what decides results. It also holds
some runs with another seed. How far they moved the predictions is the measure: folds that are not
the same bit for bit, nor within rounding, are of another network where those of a model moved, on
the geometric mean, further beside another seed than rounding may move as many (`limit`). Beside the
archive lies the record from which that is computed, of ``python -m benchmarks.tolerance``.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from mer_utils.errors import MerError
from mer_utils.experiments.tables import TABLES
from mer_utils.experiments.workspace import Workspace
from mer_utils.files import checkout
from mer_utils.metrics import METRICS, scores_by
from mer_utils.models import is_network
from mer_utils.runs import Job, RunSpec, RunStore, export, unpacked
from mer_utils.runs.archive import same_rows
from mer_utils.runs.deposit import Deposit
from mer_utils.runs.environment import differing, environment, installed
from mer_utils.runs.run_folder import folds_of, read_json
from mer_utils.runs.spec import SPEC_VERSION
from mer_utils.runs.store import STORE_VERSION
from mer_utils.synthetic.writer import GENERATOR_VERSION
from mer_utils.training import TRAINING_VERSION
from mer_utils.views import VIEWS_VERSION

ABOUT = "reference.json"
TOLERANCE_COMMAND = "python -m benchmarks.tolerance"
#: Of what decides results, as this release has it.
VERSIONS = {
    "store": STORE_VERSION,
    "specification": SPEC_VERSION,
    "training": TRAINING_VERSION,
    "views": VIEWS_VERSION,
    "generator": GENERATOR_VERSION,
}
IDENTICAL, ROUNDING = "identical bit for bit", "equal within rounding"
SAME, DIFFERENT = "statistically the same", "different"
VERDICTS = (IDENTICAL, ROUNDING, SAME, DIFFERENT)
#: By model and cause the mean, the standard deviation and the number of folds.
Rounding = Mapping[str, Sequence[Sequence[float]]]
#: How far probabilities may move by rounding: float32 has 1.2e-7, and sums are of a thousand terms.
TOLERANCE = 1e-4
#: Of the limit: how often rounding alone moves the folds of a model further.
ALPHA = 0.001
#: Of a model whose folds rounding may move so far beside another seed, little can be told.
LITTLE = 0.5
#: Less than this beside another seed counts as this.
_LEAST = 0.01
_CLIP = ["dataset", "subject", "clip"]
_ROW = ["place", *_CLIP, "model", "test_view"]


@dataclass(frozen=True)
class Reference:
    """Recorded results.

    Parameters
    ----------
    path : Path
        Of the archive.
    store : RunStore
        Its runs.
    about : dict
        Its ``reference.json``; empty in an archive of somebody's results that is no reference.
        ``tolerance`` and ``rounding`` are of the record beside it.
    """

    path: Path
    store: RunStore
    about: dict[str, Any]

    def require(self, profile: str) -> None:
        """Refuse a reference of another release, or of another profile, before anything is drawn.

        Raises
        ------
        MerError
            ``other code``, or ``other data``.
        """
        anew = {self.path: "mer reference", tolerance_path(self.path): TOLERANCE_COMMAND}
        parts = (self.about, self.about.get("tolerance", {}))
        for (file, command), about in zip(anew.items(), parts, strict=True):
            said = about.get("versions", VERSIONS)
            found = said if isinstance(said, dict) else {}
            if odd := [name for name in VERSIONS if found.get(name) != VERSIONS[name]]:
                raise MerError(
                    "other code",
                    f"{file} was recorded with "
                    + ", ".join(f"{name} {found.get(name)}" for name in odd),
                    ", ".join(f"{name} {VERSIONS[name]}" for name in odd) + " of this release",
                    f"verify with the release that recorded it, or record it anew with {command}",
                    file,
                )
        if (its := self.about.get("profile", profile)) != profile:
            raise self._other(f"the results of profile {its}, not of {profile}")

    def _other(self, what: str) -> MerError:
        return MerError(
            "other data",
            f"{self.path} holds {what}",
            "the data and the profile that were recorded",
            "name that profile with --profile, and unset the settings that name other data "
            "(MER_..._ROOT, MER_CROP, ...)",
            self.path,
        )

    def folds(self, workspace: Workspace) -> pd.DataFrame:
        """Return the recorded folds of a workspace's tables: table, model, job.

        A fold that several tables share counts in the first.

        Raises
        ------
        MerError
            ``other data``, if a run of the tables is not in the reference.
        """
        self.require(workspace.profile.name)
        there, rows = {*self.store.names()}, list[tuple[str, str, Job]]()
        seen, lacking = set[str](), set[str]()
        for table in TABLES:
            for spec in workspace.specs(table):
                if spec.key not in there:
                    lacking.add(spec.data.dataset)
                elif spec.key not in seen:
                    seen.add(spec.key)
                    names = [held_out for _, held_out in self.store.digests([spec])]
                    rows += [(table, spec.model.name, Job(spec, name)) for name in names]
        if lacking:
            raise self._other(f"other runs than the tables on {', '.join(sorted(lacking))} here")
        return pd.DataFrame(rows, columns=["table", "model", "job"])


def reference_path(profile: str) -> Path:
    """Return where the recorded results of a profile are, in the checkout one stands in."""
    return (checkout() or Path.cwd()) / "reference" / f"{profile}.zip"


def tolerance_path(reference: Path) -> Path:
    """Return where the record lies of how far rounding moves the models of a reference."""
    return reference.with_suffix(".tolerance.json")


def rounding(rows: pd.DataFrame) -> Rounding:
    """Return by model and cause how far rounding moved folds, as logarithms of `beside`.

    Of those that moved beyond rounding, as verdicts are of these alone; causes by which fewer
    than two did are left out. Folds that all lie at the floor of `beside` have shown no spread,
    which is not to say that they have none: theirs is that of all models and causes together.

    Parameters
    ----------
    rows : DataFrame
        model, cause, moved, by_seed, and largest, as in `compare`: one row per fold.
    """
    far = rows[rows["largest"] > TOLERANCE]
    found = np.log(beside(far)).groupby([far["model"], far["cause"]]).agg(["mean", "std", "count"])
    found["df"] = found["count"] - 1
    seen = found[found["std"] > 0]
    if len(seen):
        pooled = np.sqrt(np.average(seen["std"] ** 2, weights=seen["df"]))
        found.loc[found["std"] == 0, ["std", "df"]] = pooled, seen["df"].sum()
    return {
        str(model): found[found.index.get_level_values(0) == model].dropna().to_numpy().tolist()
        for model in rows["model"].unique()
    }


def beside(folds: pd.DataFrame) -> pd.Series:
    """Return how far folds moved beside another seed: ``moved`` by ``by_seed``, not below 0.01."""
    return (folds["moved"] / folds["by_seed"]).clip(lower=_LEAST)


def limit(causes: Iterable[Sequence[float]], folds: int) -> float:
    """Return how far the geometric mean of `beside` over some folds may be off by rounding.

    An upper prediction limit, the largest over causes: of logarithms with mean x and standard
    deviation s over m folds, x + t s sqrt(1/n + 1/m) for the mean of n others; t has the degrees
    of freedom of s.

    Parameters
    ----------
    causes : iterable of (float, float, int, int)
        Of one model, as `rounding` gives them.
    folds : int
    """
    from scipy.stats import t  # it takes a second, and this is rare

    allowed = [
        float(np.exp(mean + t.ppf(1 - ALPHA, df) * spread * (1 / folds + 1 / m) ** 0.5))
        for mean, spread, m, df in causes
    ]
    return max(allowed, default=_LEAST)


def _tolerance(reference: Path) -> dict[str, Any]:
    file = tolerance_path(reference)
    if not file.exists():
        return {}
    try:
        record = json.loads(file.read_text("utf-8"))
        found = rounding(pd.DataFrame(record["rows"]))
        return {"tolerance": dict(record["specification"]), "rounding": found}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise MerError(
            "damaged file",
            f"{file} is no record of how far rounding moves results ({error})",
            f"the file that {TOLERANCE_COMMAND} writes",
            "take the file of the repository, or record it anew",
            file,
        ) from error


@contextmanager
def open_reference(path: Path) -> Iterator[Reference]:
    """Yield recorded results, unpacked for as long as the block lasts.

    Raises
    ------
    MerError
        ``no results``, if nothing is recorded there; what `mer_utils.runs.unpacked` raises.
    """
    if not path.exists():
        raise MerError(
            "no results",
            f"{path} is not there: no results are recorded",
            "the archive of a finished profile",
            f'record a finished store with mer reference --machine "WORDS" --profile {path.stem}, '
            "or name an archive",
            path,
        )
    with unpacked(path) as store:
        file = store.path / ABOUT
        about = read_json(file) if file.exists() else {}
        sha = hashlib.sha256(path.read_bytes()).hexdigest()
        yield Reference(path, store, about | {"SHA-256": sha} | _tolerance(path))


def other_seed(workspace: Workspace, tables: Iterable[str] = ()) -> list[RunSpec]:
    """Return runs that say how far another seed moves predictions: one of each network and data.

    Of all tables, or of some; made variants, which some of them need, are drawn then.
    """
    first: dict[tuple[str, str], RunSpec] = {}
    for table in tables or TABLES:
        for spec in workspace.specs(table):
            if is_network(spec.model.name):
                first.setdefault((spec.data.dataset, spec.model.name), spec)
    seed = max(workspace.profile.seeds) + 1
    return [spec.model_copy(update={"seed": seed}) for spec in first.values()]


def record(workspace: Workspace, path: Path, machine: str, entries: int) -> Deposit:
    """Write the reference of a workspace's profile: all of its tables, and `other_seed`.

    Parameters
    ----------
    workspace : Workspace
    path : Path
    machine : str
        Where it was computed, in words.
    entries : int
        How many entries the changelog has under *Results*.

    Raises
    ------
    MerError
        ``no results``, if a fold is missing.
    """
    specs = [spec for table in TABLES for spec in workspace.specs(table)]
    specs += other_seed(workspace)
    if missing := workspace.missing(specs):
        raise MerError(
            "no results",
            f"{len(missing):,} fold(s) of profile {workspace.profile.name} are missing",
            "a finished store",
            f"compute them with {workspace.command()}",
        )
    about = {
        "profile": workspace.profile.name,
        "machine": machine,
        "environment": environment(),
        "installed": installed(),
        "versions": VERSIONS,
        "changelog entries": entries,
    }
    text = json.dumps(about, indent=1, sort_keys=True)
    # Where networks look is shown of the main table alone, and compared of none.
    shown = {spec.key for spec in workspace.specs("table2")}
    return export(workspace.store, path, specs, more={ABOUT: text.encode()}, maps=shown)


def sample(folds: pd.DataFrame, size: int, seed: int) -> pd.DataFrame:
    """Draw folds at random, stratified over tables and models in proportion to their number.

    Raises
    ------
    MerError
        ``invalid option``, if there are fewer.
    """
    if not 0 < size <= len(folds):
        raise MerError(
            "invalid option",
            f"a sample of {size:,} folds of the {len(folds):,} that are recorded",
            f"1 to {len(folds):,}",
            "ask for fewer with --sample, or for all with --all",
        )
    # Strata one after the other, each shuffled: every so many-th of them is a stratified sample.
    rng = np.random.default_rng(seed)
    shuffled = folds.iloc[rng.permutation(len(folds))].sort_values(
        ["model", "table"], kind="stable"
    )
    start = rng.random()
    chosen = ((np.arange(size) + start) * len(folds) / size).astype(int)
    return shuffled.iloc[chosen].reset_index(drop=True)


def compare(reference: Reference, ours: RunStore, folds: pd.DataFrame) -> pd.DataFrame:
    """Compare folds computed here with those recorded, one row per fold.

    Parameters
    ----------
    reference : Reference
    ours : RunStore
        Holds these folds.
    folds : DataFrame
        As `Reference.folds` or `sample` gives them.

    Returns
    -------
    DataFrame
        table, dataset, model, run, held_out, verdict; ``largest``, by which a probability
        moved at most; ``moved``, the mean over clips of how far all of a clip's moved; ``clips``
        and ``changed``, how many are of another class now; of the model, ``beside_seed``, how far
        its folds beyond rounding moved, the geometric mean of `beside`, and ``allowed``, its
        `limit`.
    """
    found, clips = measured(reference, ours, folds)
    if (found["verdict"] == DIFFERENT).any():
        by_seed = moved_by_seed(reference)
        found = judged(found, clips, by_seed, reference.about.get("rounding", {}))
    return found


def measured(
    reference: Reference, ours: RunStore, folds: pd.DataFrame
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the rows of `compare`, all that is beyond rounding being different, and their clips.

    The clips' column ``place`` is the number of their fold's row.
    """
    jobs = folds["job"].tolist()
    specs = {job.spec.key: job.spec for job in jobs}
    there, here = (_folds(store, specs.values()) for store in (reference.store, ours))
    keys = [(job.spec.key, job.held_out) for job in jobs]
    same = [same_rows(there[key], here[key]) for key in keys]
    places: dict[str, list[int]] = {}
    for place in np.flatnonzero(~np.array(same, bool)).tolist():
        places.setdefault(keys[place][0], []).append(place)
    # A run at a time, all of whose folds have the same columns: each call of pandas costs its time.
    parts = [
        _moved(*(_rows({place: side[keys[place]] for place in some}) for side in (there, here)))
        for some in places.values()
    ]
    if any(same):
        still = {place: there[key] for place, key in enumerate(keys) if same[place]}
        parts.append(_unmoved(still))
    clips = pd.concat(parts)
    full = clips[clips["test_view"] == "full"]
    by_fold = full.groupby("place").agg(
        moved=("moved", "mean"), clips=("moved", "size"), changed=("changed", "sum")
    )
    largest = clips.groupby("place")["largest"].max().reindex(range(len(jobs)), fill_value=0.0)
    found = pd.DataFrame(
        {
            "table": folds["table"].tolist(),
            "dataset": [job.spec.data.dataset for job in jobs],
            "model": folds["model"].tolist(),
            "run": [run for run, _ in keys],
            "held_out": [held_out for _, held_out in keys],
            "verdict": np.select([same, largest <= TOLERANCE], [IDENTICAL, ROUNDING], DIFFERENT),
            "largest": largest,
        }
    ).join(by_fold)
    counted = found[["clips", "changed"]].fillna(0).astype(int)
    return found.assign(**counted, beside_seed=np.nan, allowed=np.nan), full


def beside_seed(clips: pd.DataFrame, model: str, by_seed: pd.DataFrame) -> pd.DataFrame:
    """Return of a model's folds ``moved``, and ``by_seed``: what another seed moves their clips.

    Parameters
    ----------
    clips : DataFrame
        Of `measured`.
    model : str
        A baseline, which has no seed, is held against all networks.
    by_seed : DataFrame
        Of `moved_by_seed`.
    """
    own = by_seed[by_seed["model"] == model] if is_network(model) else by_seed
    typical = own.groupby(_CLIP)["moved"].mean().rename("by_seed")
    return clips.join(typical, on=_CLIP, how="inner").groupby("place")[["moved", "by_seed"]].mean()


def judged(
    found: pd.DataFrame, clips: pd.DataFrame, by_seed: pd.DataFrame, causes: Rounding
) -> pd.DataFrame:
    """Return the rows of `measured` with their verdicts.

    Parameters
    ----------
    found, clips : DataFrame
        Of `measured`; `found` may be some of the rows.
    by_seed : DataFrame
        Of `moved_by_seed`.
    causes : mapping
        Of `rounding`. A model that is not in it is another one where its folds have shown that
        they moved further than by another seed.
    """
    found = found.copy()
    # Of these alone: a few wrong ones are not lost among many that are the same.
    for model, part in found[found["verdict"] == DIFFERENT].groupby("model"):
        folds = beside_seed(clips[clips["place"].isin(part.index)], str(model), by_seed)
        if folds.empty:  # no other seed is recorded
            continue
        logs = np.log(beside(folds))
        unknown = [(0.0, float(logs.std()), len(logs), len(logs) - 1)]
        moved, allowed = np.exp(logs.mean()), limit(causes.get(str(model), unknown), len(logs))
        found.loc[part.index, ["beside_seed", "allowed"]] = moved, allowed
        if not moved > allowed:
            found.loc[part.index, "verdict"] = SAME
    return found


def _folds(store: RunStore, specs: Iterable[RunSpec]) -> dict[tuple[str, str], pa.Table]:
    return {
        (spec.key, held_out): rows.drop_columns([c for c in rows.column_names if c == "map"])
        for spec in specs
        for held_out, (_, rows) in folds_of(store.folder(spec).parts()).items()
    }


def _rows(folds: Mapping[Any, pa.Table]) -> pd.DataFrame:
    """Return the rows of folds, and in ``place`` the name of each one's."""
    place = np.repeat(list(folds), [rows.num_rows for rows in folds.values()])
    return pa.concat_tables(folds.values()).to_pandas().assign(place=place)


def _moved(there: pd.DataFrame, here: pd.DataFrame) -> pd.DataFrame:
    """Return by fold, clip and view how far the probabilities that count have moved."""
    numbers = [str(c) for c in there if str(c).startswith("p_")]
    both = _last(there).merge(here[[*_ROW, "epoch", "y_pred", *(c for c in numbers if c in here)]],
                              on=[*_ROW, "epoch"], suffixes=("", "_here"), how="left")  # fmt: skip
    other = both.reindex(columns=[f"{c}_here" for c in numbers]).to_numpy(float)
    apart = np.nan_to_num(np.abs(both[numbers].to_numpy(float) - other), nan=1.0)
    return both[_ROW].assign(
        largest=apart.max(axis=1, initial=0),
        moved=apart.sum(axis=1) / 2,
        changed=both["y_pred"] != both["y_pred_here"],
    )


def _unmoved(folds: Mapping[int, pa.Table]) -> pd.DataFrame:
    """Return of folds that are the same what `_moved` would."""
    columns = [*_ROW[1:], "epoch"]
    rows = _last(_rows({place: rows.select(columns) for place, rows in folds.items()}))
    return rows[_ROW].assign(largest=0.0, moved=0.0, changed=False)


def _last(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of each fold's last epoch, those that count."""
    return rows[rows["epoch"] == rows.groupby("place")["epoch"].transform("max")]


def moved_by_seed(reference: Reference) -> pd.DataFrame:
    """Return how far another seed moves the probabilities of each clip, by network."""
    by_rest: dict[str, list[RunSpec]] = {}
    for spec in reference.store.specs():
        if is_network(spec.model.name):
            rest = spec.model_copy(update={"seed": 0}).key
            by_rest.setdefault(rest, []).append(spec)
    parts = [pd.DataFrame(columns=[*_CLIP, "model", "test_view", "moved"])]
    for same in by_rest.values():
        if len(same) < 2:
            continue
        by_seed: dict[int, dict[str, pa.Table]] = {}
        for spec in same:
            found = _folds(reference.store, [spec])
            by_seed[spec.seed] = {held_out: rows for (_, held_out), rows in found.items()}
        # Of a seed of which some folds alone were computed, the others would pass for other clips.
        most = sorted(by_seed, key=lambda seed: (-len(by_seed[seed]), seed))[:2]
        in_both = set.intersection(*(set(by_seed[seed]) for seed in most))
        if in_both:
            rows = [
                _rows({name: fold for name, fold in by_seed[seed].items() if name in in_both})
                for seed in sorted(most)
            ]
            parts.append(_moved(*rows).query("test_view == 'full'"))
    return pd.concat(parts[1:] or parts)


def environments(reference: Reference, ours: RunStore, folds: pd.DataFrame) -> dict[str, Any]:
    """Return what differs between where folds were recorded and here, and its values."""
    found: dict[str, Any] = {}
    for spec in {job.spec.key: job.spec for job in folds["job"]}.values():
        there, here = (store.folder(spec).notes() for store in (reference.store, ours))
        for name in there.keys() & here.keys():
            found |= differing(there[name], here[name], is_network(spec.model.name))
    return dict(sorted(found.items()))


def score_changes(reference: Reference, ours: RunStore, folds: pd.DataFrame) -> pd.DataFrame:
    """Compare the scores of runs on the full view: table, run, metric, recorded, here.

    Parameters
    ----------
    reference, ours, folds
        As of `compare`; runs of which a recorded fold is not here are left out.
    """
    tables = {job.spec.key: (table, job.spec) for table, _, job in folds.itertuples(index=False)}
    whole = {
        key: table
        for key, (table, spec) in tables.items()
        if reference.store.digests([spec]).keys() <= ours.digests([spec]).keys()
    }
    specs = [tables[key][1] for key in whole]
    if not specs:
        return pd.DataFrame(columns=["table", "run", "metric", "recorded", "here"])
    recorded = _scores(reference.store, specs)
    same = reference.store.digests(specs).items()
    other = [spec for spec in specs if not ours.digests([spec]).items() <= same]
    here = recorded.drop([spec.key for spec in other], level="run")
    here = pd.concat([here, *([_scores(ours, other)] if other else [])])
    both = pd.DataFrame({"recorded": recorded, "here": here})
    both = both.rename_axis(["run", "metric"]).reset_index()
    return both.assign(table=both["run"].map(whole))


def _scores(store: RunStore, specs: Sequence[RunSpec]) -> pd.Series:
    rows = store.predictions(specs).query("test_view == 'full'")
    found = scores_by(rows, ["scheme", "run"])
    found = found.melt(["run"], [f"{metric}_pooled" for metric in METRICS])
    return found.set_index(["run", "variable"])["value"]


@dataclass(frozen=True)
class Verification:
    """What a comparison with recorded results found.

    Parameters
    ----------
    found : DataFrame
        As `compare` gives it.
    differs : dict
        As `environments` gives it.
    recorded : int
        How many folds there are in the reference.
    about : dict
        The reference's own.
    how : str
        Which folds were compared, in words.
    """

    found: pd.DataFrame
    differs: dict[str, Any]
    recorded: int
    about: dict[str, Any]
    how: str

    @property
    def counts(self) -> dict[str, int]:
        """How many folds have each verdict."""
        return {v: int((self.found["verdict"] == v).sum()) for v in VERDICTS}

    @property
    def verdict(self) -> str:
        """The worst verdict of any fold."""
        return next(v for v in reversed(VERDICTS) if self.counts[v])

    @property
    def line(self) -> str:
        """The whole in one line."""
        as_recorded = len(self.found) - self.counts[DIFFERENT]
        rest = [f"{n:,} {v}" for v, n in self.counts.items() if n and v != IDENTICAL]
        more = f" ({', '.join(rest)})" if rest else ""
        return f"{as_recorded:,} of {len(self.found):,} folds as recorded{more}"

    @property
    def by_model(self) -> pd.DataFrame:
        """Counts and distances of each model."""
        rows = [
            {
                "model": model,
                **{v: int((part["verdict"] == v).sum()) for v in VERDICTS},
                "largest change": f"{part['largest'].max():.1g}",
                "mean change": f"{part['moved'].mean():.1g}",
                "beside another seed": f"{part['beside_seed'].max():.2g}".replace("nan", ""),
                "allowed": f"{part['allowed'].max():.2g}".replace("nan", ""),
                "other classes": f"{part['changed'].sum()} of {part['clips'].sum()}",
            }
            for model, part in self.found.groupby("model")
        ]
        return pd.DataFrame(rows)

    @property
    def remarks(self) -> list[str]:
        """Of which models little can be told, a sentence each."""
        known = self.about.get("rounding", {})
        allowed = self.found.dropna(subset="beside_seed").groupby("model")["allowed"].max()
        cases = {
            "rounding may move so few folds of it half as far as another seed does": [
                m for m, most in allowed.items() if m in known and most >= LITTLE
            ],
            "how far rounding moves it was not recorded, so only what moved further than another "
            "seed moves it counts as different": [m for m in allowed.index if m not in known],
        }
        return [
            f"Of {', '.join(map(str, which))} little can be told: {why}."
            for why, which in cases.items()
            if which
        ]

    def as_json(self) -> dict[str, Any]:
        """Return everything as what JSON can hold."""
        return {
            "verdict": self.verdict,
            "counts": self.counts,
            "remarks": self.remarks,
            "recorded": self.recorded,
            "compared": self.how,
            "differs": {what: list(values) for what, values in self.differs.items()},
            "reference": self.about,
            "here": environment(),
            "folds": json.loads(self.found.to_json(orient="records", double_precision=15)),
        }


def verify(
    reference: Reference, ours: RunStore, folds: pd.DataFrame, recorded: int, how: str
) -> Verification:
    """Compare folds, and the environments in which they were computed."""
    found = compare(reference, ours, folds)
    differs = environments(reference, ours, folds)
    return Verification(found, differs, recorded, reference.about, how)


def computed(ours: RunStore, folds: pd.DataFrame) -> pd.DataFrame:
    """Return those of some folds that a store holds.

    Raises
    ------
    MerError
        ``no results``, if it holds none.
    """
    there = folds[[ours.has(job.spec, job.held_out) for job in folds["job"]]]
    if there.empty:
        raise MerError(
            "no results",
            f"the store {ours.path} holds none of the {len(folds):,} recorded folds",
            "at least one computed fold",
            "compute them with mer run, with the same --profile and --store",
        )
    return there.reset_index(drop=True)
