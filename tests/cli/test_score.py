"""`mer score`: predictions made anywhere, from a file to scores, pages and findings."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from made_data import write_clip_table

from mer_utils import metrics, runs, stats
from mer_utils.cli.main import main
from mer_utils.experiments import PROFILES, open_workspace

ROOT = Path(__file__).parents[2]
NAMES = ["negative", "positive", "surprise"]


@pytest.fixture
def mer(capsys):
    """Run `mer score`; return its exit code and what it printed."""

    def mer(*arguments) -> tuple[int, str]:
        with pytest.raises(SystemExit) as ended:
            main(["score", *map(str, arguments)])
        shown = capsys.readouterr()
        return ended.value.code or 0, shown.out + shown.err

    return mer


@pytest.fixture
def scored(mer):
    """Run `mer score --format json`; return its exit code and what it says."""

    def scored(*arguments) -> tuple[int, dict]:
        code, shown = mer(*arguments, "--format", "json")
        return code, json.loads(shown)

    return scored


@pytest.fixture
def folder(tmp_path):
    made = tmp_path / "a folder"
    made.mkdir()
    return made


def systems(n_seeds=1) -> pd.DataFrame:
    rows = stats.simulate(
        9, rng=np.random.default_rng(4), class_shares=(0.5, 0.3, 0.2), n_seeds=n_seeds
    )
    return rows.rename(columns={"setting": "system"})[
        ["subject", "clip", "seed", "system", "y_true", "y_pred"]
    ]


def kinds(found: dict, severity: str) -> list[str]:
    return [p["kind"] for p in found["problems"] if p["severity"] == severity]


def of(found: dict, table: str, **where) -> pd.DataFrame:
    frame = pd.DataFrame(found[table])
    for column, value in where.items():
        frame = frame[frame[column] == value]
    return frame.reset_index(drop=True)


@pytest.mark.parametrize("suffix", ["csv", "xlsx", "parquet"])
def test_scores_and_differences_are_those_of_the_library(suffix, folder, scored):
    rows = systems(n_seeds=2)
    file = folder / f"my predictions.{suffix}"
    {"csv": rows.to_csv, "xlsx": rows.to_excel, "parquet": rows.to_parquet}[suffix](
        file, index=False
    )
    code, found = scored(file)
    assert code == 0
    by_hand = stats.intervals(rows, ["system"])
    for system in ("baseline", "treatment"):
        own = of(found, "scores", system=system)
        theirs = by_hand[by_hand["system"] == system]
        for column in ("estimate", "low", "high", "seeds_sd"):
            assert np.allclose(own[column], theirs[column])
        part = rows[rows["system"] == system]
        matrix = next(m["counts"] for m in found["confusions"] if m["system"] == system)
        assert np.array_equal(
            matrix, metrics.confusion_matrix(part["y_true"], part["y_pred"], n_classes=3)
        )
        most = rows["y_true"].value_counts(normalize=True).iloc[0]
        assert np.allclose(own["chance"], [most, 2 * most / (1 + most) / 3, 1 / 3])
    compared = stats.compare(rows, "baseline", "treatment", column="system")
    own = of(found, "comparisons")
    assert np.allclose(own["difference"], compared["difference"])
    assert np.allclose(own["p_bootstrap"], compared["p_bootstrap"])


def test_names_of_classes_and_probabilities_say_the_same_as_numbers(folder, scored):
    rows = systems().query("system == 'baseline'").drop(columns=["system", "seed"])
    named = rows.assign(**{side: np.take(NAMES, rows[side]) for side in ("y_true", "y_pred")})
    likely = rows.drop(columns="y_pred")
    for k in range(3):
        likely[f"p_{k}"] = np.where(rows["y_pred"] == k, 0.5, 0.25)
    found = []
    for name, frame in {"numbers": rows, "names": named, "likely": likely}.items():
        frame.to_csv(folder / f"{name}.csv", index=False)
        found.append(scored(folder / f"{name}.csv", "--classes", ",".join(NAMES))[1])
    assert all(one["confusions"][0]["classes"] == NAMES for one in found)
    assert all(
        one["confusions"][0]["counts"] == found[0]["confusions"][0]["counts"] for one in found
    )
    assert [of(one, "scores", metric="uar_pooled")["estimate"][0] for one in found] == [
        of(found[0], "scores", metric="uar_pooled")["estimate"][0]
    ] * 3


def test_several_files_are_several_systems_and_one_page_shows_them(folder, mer):
    for system, part in systems().groupby("system"):
        part.drop(columns=["system", "seed"]).to_csv(folder / f"{system}.csv", index=False)
    page = folder / "page.html"
    code, shown = mer(folder / "baseline.csv", folder / "treatment.csv", "--html", page)
    assert code == 0
    assert "minus baseline" in shown
    html = page.read_text("utf-8")
    assert html.count("<svg") == 2  # scores, confusion matrices
    assert not re.search(r"<script|<link|(src|href)=\"(?!#|data:)", html)  # no other file is needed
    assert "fold averages" in html


def test_a_composite_is_scored_by_part_and_all_together(folder, scored):
    rows = systems().query("system == 'baseline'").drop(columns=["system", "seed"])
    both = pd.concat([rows.assign(dataset="casme2"), rows.assign(dataset="smic")])
    both.to_csv(folder / "both.csv", index=False)
    _, found = scored(folder / "both.csv")
    uar = of(found, "scores", metric="uar_pooled").set_index("dataset")
    assert list(uar.index) == ["casme2", "smic", "all together"]
    assert np.ptp(uar["estimate"]) == 0  # the same clips twice
    assert uar["n_subjects"].tolist() == [9, 9, 18]


def test_what_the_pitfalls_warn_of_is_said(folder, scored):
    rows = systems()
    lacking = rows["system"].eq("treatment") & rows["clip"].isin(rows["clip"].unique()[:2])
    rows = rows[~lacking].assign(fold=lambda r: r["clip"].str[-1])
    declared = rows.assign(p_0=0.0, p_1=0.0, p_2=0.0, p_3=0.0)
    for k in range(3):
        declared.loc[declared["y_pred"] == k, f"p_{k}"] = 1.0
    declared.to_csv(folder / "x.csv", index=False)
    code, found = scored(folder / "x.csv")
    assert code == 0
    assert {"mixed folds", "differing clips", "absent class"} <= set(kinds(found, "warning"))
    assert "fold averages" in kinds(found, "note")
    shared = of(found, "comparisons")["n_clips"].unique().tolist()
    assert shared == [rows["clip"].nunique() - 2]


def test_without_subjects_there_is_a_score_and_no_interval(folder, scored):
    systems().drop(columns=["subject", "seed"]).to_csv(folder / "x.csv", index=False)
    code, found = scored(folder / "x.csv")
    assert code == 0
    assert kinds(found, "warning") == ["unknown subjects"]
    assert of(found, "scores")[["low", "high", "p_chance"]].isna().all(axis=None)
    assert found["comparisons"] == []


BAD = {
    "y_true": ("y_true", ""),
    "a name among numbers": ("y_pred", "happy"),
    "a fraction": ("y_pred", "1.5"),
    "subject": ("subject", "NaN"),
    "a decimal comma": ("p_2", "0,2"),
}


@pytest.mark.parametrize(("column", "cell"), BAD.values(), ids=BAD)
def test_every_bad_row_is_named(column, cell, folder, scored):
    rows = systems().query("system == 'baseline'")
    shares = {f"p_{k}": "0.3" for k in range(3)} if column == "p_2" else {}
    rows = rows.assign(**shares).astype({column: object})
    rows.iloc[3:5, list(rows).index(column)] = cell
    rows.to_csv(folder / "x.csv", index=False)
    code, found = scored(folder / "x.csv")
    assert code == 1
    errors = [p for p in found["problems"] if p["severity"] == "error"]
    assert all(p["remedy"] for p in errors)
    assert "x.csv row 5" in errors[0]["message"]  # the header is row 1
    assert column in errors[0]["message"] or "classes are numbers" in errors[0]["message"]
    assert "scores" not in found


def test_two_predictions_of_a_clip_and_two_labels_are_both_found(folder, scored):
    rows = systems()
    rows.loc[0, "y_true"] = 1 - min(rows.loc[0, "y_true"], 1)
    pd.concat([rows, rows.iloc[[7]]]).to_csv(folder / "x.csv", index=False)
    code, found = scored(folder / "x.csv")
    assert code == 1
    said = " ".join(p["message"] for p in found["problems"])
    assert "another prediction" in said
    assert "truly" in said


@pytest.mark.parametrize(
    ("arguments", "kind"),
    [
        (["--baseline", "nobody"], "unknown name"),
        (["--with", "model=learnet"], "invalid option"),
        (["--format", "yaml"], "unknown name"),
        (["--system", "network"], "missing column"),
        (["--column", "y_pred"], "invalid option"),
        (["--column", "subject=Person"], "missing column"),
        (["--classes", "a,A,b"], "invalid option"),
    ],
)
def test_options_that_do_not_fit_are_refused(arguments, kind, folder, mer):
    systems().to_csv(folder / "x.csv", index=False)
    code, shown = mer(folder / "x.csv", *arguments)
    assert code == 1
    assert f"Error ({kind})" in shown


@pytest.mark.scenario("G")
@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda log: log.assign(p_0=0.1, p_1=0.9, logit_0=2), "Error (ambiguous column)"),
        (lambda log: log.drop(columns="y_pred").assign(p_value=0.3), "Error (missing column)"),
        (lambda log: log.assign(y_true=123456789), "no class"),
    ],
    ids=["two columns of a class", "one class alone", "no number of a class"],
)
def test_columns_that_name_no_prediction_are_refused(change, said, folder, mer):
    change(systems().query("system == 'baseline'")).to_csv(folder / "x.csv", index=False)
    code, shown = mer(folder / "x.csv")
    assert code == 1
    assert said in " ".join(shown.split())


@pytest.mark.scenario("F")
def test_near_duplicate_names_among_predictions_are_found(folder, scored):
    rows = systems().assign(y_true=lambda r: r["y_true"].map(NAMES.__getitem__))
    rows = rows.assign(y_pred=rows["y_pred"].map(NAMES.__getitem__))
    rows.to_csv(folder / "x.csv", index=False)
    right = scored(folder / "x.csv")[1]
    first = rows["subject"].iloc[0]
    rows.loc[rows.index[0], ["subject", "y_true"]] = f"{first} ".upper(), rows["y_true"].iloc[0]
    rows["y_pred"] = rows["y_pred"].str.replace("a", "\u0430")  # Cyrillic
    rows.to_csv(folder / "x.csv", index=False)
    code, found = scored(folder / "x.csv")
    assert code == 0
    assert "near-duplicate names" in kinds(found, "warning") + kinds(found, "note")
    assert found["confusions"] == right["confusions"]


def test_a_file_with_a_header_alone_holds_no_results(folder, mer):
    (folder / "x.csv").write_text("subject,clip,y_true,y_pred\n")
    assert "Error (no results)" in mer(folder / "x.csv")[1]


@pytest.fixture
def store(twins, folder):
    """The predictions of one baseline for table 2."""
    workspace = open_workspace("smoke", twins, folder / "store")
    jobs = workspace.jobs(workspace.specs("table2"))
    chosen = [j for j in jobs if j.spec.model.name == "svm_hog" and j.spec.data.dataset == "casme2"]
    assert runs.run(chosen, workspace.context).done == len(chosen)
    return workspace


def own(store, folder, change=lambda rows: rows):
    """Write a log of somebody's predictions on the clips of a store: always the first class."""
    clips = store.clips("casme2")
    log = pd.DataFrame(
        {
            "subject": clips["subject"].str.extract(r"(\d+)")[0].astype(int),
            "filename": clips["clip"],
            "label": clips["label"],
            "prediction": clips["label"].cat.categories[0],
        }
    )
    change(log).to_csv(folder / "mine.csv", index=False)
    return folder / "mine.csv"


def test_a_log_is_compared_with_the_runs_of_a_store(store, folder, scored):
    file = own(store, folder)
    code, found = scored(file, "--store", store.context.store, "--with", "model=svm_hog")
    assert code == 0, found["problems"]
    compared = of(found, "comparisons", metric="uar_pooled")
    assert set(compared["base_system"]) == {"mine"}
    assert "svm_hog, dual" in set(compared["system"])
    assert compared["n_clips"].unique().tolist() == [len(store.clips("casme2"))]
    said = " ".join(p["message"] for p in found["problems"] if p["severity"] == "note")
    assert "casme2 is taken" in said
    assert "by the number of their subject" in said


def with_shares(rows: pd.DataFrame, rng) -> pd.DataFrame:
    shares = rng.dirichlet(np.ones(3), len(rows))
    named = rows.assign(**{f"p_{name}": shares[:, k] for k, name in enumerate(NAMES)})
    return named.drop(columns="y_pred").assign(y_true=rows["y_true"].map(dict(enumerate(NAMES))))


def test_seeds_averaged_are_a_system_of_their_own(folder, scored, mer):
    rows = with_shares(systems(n_seeds=3), np.random.default_rng(0))
    rows.to_csv(folder / "mine.csv", index=False)
    code, found = scored(folder / "mine.csv", "--ensemble")
    assert code == 0
    _, plain = scored(folder / "mine.csv")
    names = list(dict.fromkeys(rows["system"]))
    averaged = [f"{name}, 3 seeds averaged" for name in names]
    assert [*dict.fromkeys(of(found, "scores")["system"])] == [*names, *averaged]
    assert of(found, "scores", system=names[0]).equals(of(plain, "scores", system=names[0]))
    shares = (
        rows[rows["system"] == names[0]]
        .groupby(["subject", "clip"])[[f"p_{name}" for name in NAMES]]
        .mean()
    )
    true = rows.drop_duplicates(["subject", "clip"]).set_index(["subject", "clip"])["y_true"]
    right = shares.to_numpy().argmax(1) == true.loc[shares.index].map(NAMES.index).to_numpy()
    (accuracy,) = of(found, "scores", system=averaged[0], metric="accuracy_pooled")["estimate"]
    assert accuracy == pytest.approx(right.mean())
    rows.iloc[1:].to_csv(folder / "short.csv", index=False)
    code, said = mer(folder / "short.csv", "--ensemble")
    assert code == 1
    assert "lacks predictions of some seeds" in said
    rows[rows["seed"] == 0].to_csv(folder / "one.csv", index=False)
    assert "nothing to average" in mer(folder / "one.csv", "--ensemble")[1]


def test_a_store_alone_is_scored_and_its_seeds_averaged(twins, folder, scored, mer):
    profile = PROFILES["smoke"].model_copy(update={"seeds": (0, 1)})
    workspace = open_workspace(profile, twins, folder / "store")
    specs = [
        spec for spec in workspace.specs("table2")
        if (spec.model.name, spec.data.dataset, spec.setting) == ("learnet", "casme2", "single")
    ]  # fmt: skip
    assert runs.run(workspace.jobs(specs), workspace.context).failed == []
    code, found = scored("--store", folder / "store", "--with", "model=learnet", "--ensemble")
    assert code == 0
    predictions = workspace.store.predictions(specs)
    predictions = predictions[predictions["test_view"] == "full"]
    expected = metrics.average_seeds(predictions, ["model", "setting"])
    assert set(expected["n_seeds"]) == {2}
    assert len(set(expected["run"])) == 1
    assert not set(expected["run"]) & set(predictions["run"])
    (accuracy,) = of(
        found, "scores", system="learnet, single, 2 seeds averaged", metric="accuracy_pooled"
    )["estimate"]
    assert accuracy == pytest.approx((expected["y_true"] == expected["y_pred"]).mean())
    code, said = mer()
    assert code == 1
    assert "neither a file nor a store" in said


def test_clips_that_match_none_are_listed_with_what_is_close(store, folder, scored):
    def misspelt(log):
        log.loc[[0, 1], "filename"] = log.loc[[0, 1], "filename"] + "x"
        return log

    code, found = scored(own(store, folder, misspelt), "--store", store.context.store)
    assert code == 0
    unmatched = [
        p
        for p in found["problems"]
        if p["kind"] == "unmatched predictions" and p["severity"] == "warning"
    ]
    assert len(unmatched) == 2
    assert all("is close" in p["remedy"] for p in unmatched)
    assert "differing clips" in kinds(found, "warning")


def test_predictions_of_other_clips_and_other_labels_are_refused(store, folder, scored):
    file = own(store, folder, lambda log: log.assign(filename="z" + log["filename"]))
    code, found = scored(file, "--store", store.context.store)
    assert code == 1
    assert kinds(found, "error") == ["unmatched predictions"] * len(store.clips("casme2"))
    double = own(
        store,
        folder,
        lambda log: pd.concat([log, log.assign(subject="s" + log["subject"].astype(str))]),
    )
    code, found = scored(double, "--store", store.context.store)
    assert (code, set(kinds(found, "error"))) == (1, {"unmatched predictions"})
    last = store.clips("casme2")["label"].cat.categories[-1]
    file = own(store, folder, lambda log: log.assign(label=last))
    code, found = scored(file, "--store", store.context.store)
    assert code == 1
    differing = (store.clips("casme2")["label"] != last).sum()
    assert kinds(found, "error") == ["bad predictions"] * differing


def test_the_page_shows_the_command_and_the_columns(folder, mer, monkeypatch):
    page = (ROOT / "book" / "change_something.md").read_text("utf-8")
    log = re.search(r"^```text\n(subject,.*?)```", page, re.M | re.DOTALL).group(1)
    rows = systems().query("system == 'treatment'").drop(columns=["system", "seed"])
    (folder / "mine.csv").write_text(log)
    for name in ("ours", "theirs"):
        rows.to_csv(folder / f"{name}.csv", index=False)
    monkeypatch.chdir(folder)
    commands = re.findall(r"^mer score (.*)$", page, re.M)
    assert len(commands) == 4
    for command in commands:
        if "--store" in command:  # see above; here the options are
            assert "Error (no results)" in mer(*shlex.split(command))[1]
        else:
            assert mer(*shlex.split(command))[0] == 0
    assert (folder / "scores.html").exists()


def test_runs_on_a_table_of_clips_are_scored_under_the_names_of_its_labels(folder, scored):
    table = write_clip_table(folder / "clips", subjects=3, clips=4)
    workspace = open_workspace("smoke", store=folder / "store", datasets=[f"clips:{table}"])
    specs = [s for s in workspace.specs("table2") if s.model.name == "constant"]
    assert runs.run(workspace.jobs(specs), workspace.context).failed == []
    rows = pd.read_csv(table)[["subject", "clip", "label"]].assign(
        dataset="clips:clips", y_pred="up"
    )
    rows.to_csv(folder / "mine.csv", index=False)
    code, found = scored(folder / "mine.csv", "--store", folder / "store")
    assert code == 0, found
    assert {tuple(m["classes"]) for m in found["confusions"]} == {("down", "up")}
    code, found = scored("--store", folder / "store", "--classes", "fall,rise")
    assert {tuple(m["classes"]) for m in found["confusions"]} == {("fall", "rise")}
    code, found = scored("--store", folder / "store")
    assert {tuple(m["classes"]) for m in found["confusions"]} == {("0", "1")}


@pytest.mark.scenario("J")
def test_names_are_printed_as_they_are_written(mer, folder):
    names = [":one:", "[bold]x", "plain :cat:"]
    table = systems().replace({"y_true": dict(enumerate(names)), "y_pred": dict(enumerate(names))})
    table["system"] = table["system"].map({s: f"of :{s}:[b]" for s in table["system"].unique()})
    table.to_csv(folder / "names.csv", index=False)
    code, shown = mer(folder / "names.csv")
    assert code == 0
    for name in (*names, *table["system"].unique()):
        assert name in shown
