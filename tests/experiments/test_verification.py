"""Recorded results against those of here: what agrees is told from what differs."""

from __future__ import annotations

import json
from itertools import product

import numpy as np
import pandas as pd
import pytest
from helpers import raises, registered

from benchmarks import tolerance
from mer_utils.cli.main import main
from mer_utils.cli.verify import entries
from mer_utils.experiments import PROFILES, TABLES, Table, run_spec, verification
from mer_utils.experiments.verification import (
    DIFFERENT,
    IDENTICAL,
    ROUNDING,
    SAME,
    VERSIONS,
    Reference,
    compare,
    limit,
    open_reference,
    record,
    rounding,
    sample,
    tolerance_path,
    verify,
)
from mer_utils.runs import DataSpec, Job, ModelSpec, RunSpec, RunStore, export, prediction_rows

DATA = DataSpec(
    dataset="casme2", scheme="casme2-5", fingerprint="0" * 64, phase_difference=0.5, noise=1.0
)
SUBJECTS = [f"sub{n:02d}" for n in range(8)]
CLIPS = pd.DataFrame(
    [
        {"subject": subject, "clip": f"EP{n}", "label": str(n % 3)}
        for subject, n in product(SUBJECTS, range(10))
    ]
).astype({"label": "category"})
NETWORKS = ("learnet", "resnet50", "vgg19")
#: As rows of the record beside a reference: how far rounding moved folds beside another seed.
_BESIDE = {"learnet": (0.1, 0.2), "vgg19": (0.4, 0.5), "svm_hog": (0.1, 0.2), "resnet50": (0.6, 2)}
ROUNDED = [
    {"model": model, "cause": cause, "largest": 0.1, "moved": beside * 0.5, "by_seed": 0.5}
    for model, (least, most) in _BESIDE.items()
    for cause, far in (("one", 1.0), ("other", 0.5))
    for beside in far * np.linspace(least, most, 20)
]
CAUSES = rounding(pd.DataFrame(ROUNDED))


def spec(model, seed=0, train="single"):
    return RunSpec(data=DATA, model=ModelSpec(name=model), seed=seed, train_views=train)


SPECS = [spec(m, train=t) for m in (*NETWORKS, "svm_hog") for t in ("single", "dual")]
JOBS = [Job(each, subject) for each in SPECS for subject in SUBJECTS]


def probabilities(job, salt=""):
    rng = np.random.default_rng(list(f"{job.spec.key}{job.held_out}{salt}".encode()))
    scores = rng.normal(size=(10, 3)) * 2
    return np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)


def write(store, job, p, note=None):
    tested = np.flatnonzero(CLIPS["subject"] == job.held_out)
    rows = prediction_rows(job.spec, CLIPS, "full", tested, p.astype(np.float32), 3)
    store.write(
        job.spec, job.held_out, rows, {"device": "cpu", "instructions": "AVX512"} | (note or {})
    )


@pytest.fixture(scope="module")
def reference(tmp_path_factory) -> Reference:
    """Two runs of each model, and one of each network with another seed."""
    store = RunStore(tmp_path_factory.mktemp("reference"))
    others = [Job(spec(m, seed=1), s) for m in NETWORKS for s in SUBJECTS]
    for job in [*JOBS, *others]:
        write(store, job, probabilities(job))
    return Reference(
        store.path, store, {"versions": VERSIONS, "machine": "here", "rounding": CAUSES}
    )


FOLDS = pd.DataFrame(
    [("table2", job.spec.model.name, job) for job in JOBS], columns=["table", "model", "job"]
)


def computed(path, change, folds=FOLDS, note=None):
    store = RunStore(path)
    for job in folds["job"]:
        write(store, job, change(job, probabilities(job)), note)
    return store


def test_the_same_bits_are_identical(reference, tmp_path):
    found = compare(reference, computed(tmp_path, lambda job, p: p), FOLDS)
    assert {*found["verdict"]} == {IDENTICAL}
    assert found["largest"].max() == found["changed"].sum() == 0


def test_rounding_is_told_from_another_machine_and_that_from_another_seed(reference, tmp_path):
    moved = {"learnet": 1e-6, "resnet50": 0.02, "vgg19": 0.0, "svm_hog": 0.0}

    def change(job, p):
        if job.spec.model.name == "vgg19":
            return probabilities(job, "another seed")
        rng = np.random.default_rng(1)
        return p + moved[job.spec.model.name] * rng.uniform(-1, 1, p.shape)

    ours = computed(tmp_path, change, note={"instructions": "AVX2"})
    done = verify(reference, ours, FOLDS, len(FOLDS), "all")
    assert done.found.groupby("model")["verdict"].unique().map(list).to_dict() == {
        "learnet": [ROUNDING], "resnet50": [SAME], "vgg19": [DIFFERENT], "svm_hog": [IDENTICAL],
    }  # fmt: skip
    assert done.line.startswith("48 of 64 folds as recorded")
    assert done.differs == {"instructions": ("AVX512", "AVX2")}
    assert done.verdict == DIFFERENT
    assert json.loads(json.dumps(done.as_json()))["counts"][SAME] == 16


@pytest.mark.parametrize("seed", range(4))
def test_another_seed_is_told_every_time_and_another_machine_never(reference, tmp_path, seed):
    folds = sample(FOLDS, 24, seed)
    wrong = computed(tmp_path / "wrong", lambda job, p: probabilities(job, str(seed)), folds)
    assert DIFFERENT in {*compare(reference, wrong, folds)["verdict"]}
    rng = np.random.default_rng(seed)

    def elsewhere(job, p):
        return p + (job.spec.model.name in NETWORKS) * rng.normal(0, 0.03, p.shape)

    right = computed(tmp_path / "right", elsewhere, folds)
    assert DIFFERENT not in {*compare(reference, right, folds)["verdict"]}


@pytest.mark.parametrize(
    ("model", "share", "verdict"),
    [
        *[("learnet", 0.12, SAME), ("learnet", 0.46, DIFFERENT)],
        *[("vgg19", 0.37, SAME), ("vgg19", 0.78, DIFFERENT)],
        *[("resnet50", 0.82, SAME), ("resnet50", 1.3, SAME)],
    ],
)
def test_what_moved_more_than_rounding_was_seen_to_do_is_different(
    reference, tmp_path, model, share, verdict
):
    folds = FOLDS[FOLDS["model"] == model]

    def between(job, p):
        return p + share * (probabilities(job, "another seed") - p)

    done = verify(reference, computed(tmp_path, between, folds), folds, len(folds), "all")
    assert {*done.found["verdict"]} == {verdict}
    assert any("resnet50 little" in said for said in done.remarks) == (model == "resnet50")


def test_what_one_fold_does_not_show_many_do(reference, tmp_path):
    folds = FOLDS[FOLDS["model"] == "learnet"]

    def change(job, p):
        return p + 0.22 * (probabilities(job, "another seed") - p)

    ours = computed(tmp_path, change, folds)
    for n, verdict in ((1, SAME), (16, DIFFERENT)):
        assert {*compare(reference, ours, folds.head(n))["verdict"]} == {verdict}
    # Of Student's t with 19 degrees of freedom the 99.9th percentile is 3.579.
    most = limit([(-2, 0.3, 20, 19), (-2.1, 0.1, 20, 19)], 16)
    assert np.log(most) == pytest.approx(-2 + 3.579 * 0.3 * (1 / 16 + 1 / 20) ** 0.5, rel=1e-4)


def test_a_few_wrong_folds_are_told_among_many_that_are_the_same(reference, tmp_path):
    folds = FOLDS[FOLDS["model"] == "learnet"]
    wrong = {*folds["job"].iloc[:4]}
    ours = computed(tmp_path, lambda job, p: probabilities(job, "x" * (job in wrong)), folds)
    found = compare(reference, ours, folds)["verdict"].value_counts()
    assert found.to_dict() == {IDENTICAL: 12, DIFFERENT: 4}


def test_of_what_nobody_measured_little_is_told(reference, tmp_path):
    unmeasured = Reference(reference.path, reference.store, {"versions": VERSIONS})
    folds = FOLDS[FOLDS["model"] == "vgg19"]

    def moved(share):
        def change(job, p):
            return p + share * (probabilities(job, "another seed") - p)

        ours = computed(tmp_path / str(share), change, folds)
        return verify(unmeasured, ours, folds, len(folds), "all")

    assert (moved(0.8).verdict, moved(1.5).verdict) == (SAME, DIFFERENT)
    assert ["vgg19 little" in said for said in moved(0.8).remarks] == [True]


@pytest.mark.parametrize(("share", "verdict"), [(0.02, SAME), (0.33, DIFFERENT)])
def test_a_baseline_which_has_no_seed_is_held_against_the_networks(
    reference, tmp_path, share, verdict
):
    folds = FOLDS[FOLDS["model"] == "svm_hog"]

    def change(job, p):
        return p + share * (probabilities(job, "other") - p)

    ours = computed(tmp_path, change, folds)
    assert {*compare(reference, ours, folds)["verdict"]} == {verdict}


def test_a_sample_is_of_every_model_and_no_fold_is_in_it_twice():
    drawn = sample(FOLDS, 16, seed=3)
    assert drawn["model"].value_counts().to_dict() == dict.fromkeys((*NETWORKS, "svm_hog"), 4)
    assert drawn["job"].nunique() == 16
    assert drawn["job"].tolist() != sample(FOLDS, 16, seed=4)["job"].tolist()
    assert {*sample(FOLDS, 64, seed=1)["job"]} == {*JOBS}
    with raises("invalid option", 65, 64):
        sample(FOLDS, 65, seed=0)


def test_results_of_other_versions_are_refused(reference):
    old = Reference(reference.path, reference.store, {"versions": VERSIONS | {"views": 1}})
    with raises("other code", "views 1", "mer reference"):
        old.require("demo")
    with raises("other code", "views None"):
        Reference(reference.path, reference.store, {"versions": 3}).require("demo")
    about = {"versions": VERSIONS, "tolerance": {"versions": VERSIONS | {"training": 1}}}
    with raises("other code", "training 1", "benchmarks.tolerance"):
        Reference(reference.path, reference.store, about).require("demo")


def test_what_rounding_may_do_is_read_from_beside_the_archive(reference, tmp_path):
    path = tmp_path / "demo.zip"
    export(reference.store, path, reference.store.specs())
    record = {"specification": {"versions": VERSIONS}, "rows": ROUNDED}
    tolerance_path(path).write_text(json.dumps(record))
    with open_reference(path) as found:
        one, other = found.about["rounding"]["learnet"]
        assert (one[0] - other[0], one[2]) == pytest.approx((np.log(2), 20))
    tolerance_path(path).write_text(json.dumps(record)[:-9])
    with raises("damaged file", "demo.tolerance.json"), open_reference(path):
        pass


def test_a_seed_of_some_folds_alone_is_not_the_other_seed(reference, tmp_path):
    """Clips of the folds that it lacks used to pass for clips that moved as far as can be."""
    seeds = {0: SUBJECTS, 1: SUBJECTS[:2], 7: SUBJECTS}
    jobs = {k: [Job(spec("learnet", seed=k), s) for s in its] for k, its in seeds.items()}
    found = {}
    for name, chosen in {"some": (0, 1, 7), "none": (0, 7), "two": (0, 1)}.items():
        store = RunStore(tmp_path / name)
        for job in [job for k in chosen for job in jobs[k]]:
            write(store, job, probabilities(job))
        found[name] = verification.moved_by_seed(Reference(store.path, store, reference.about))
    pd.testing.assert_frame_equal(found["some"], found["none"])
    assert found["none"]["moved"].max() <= 1
    assert set(found["two"]["subject"]) == {*SUBJECTS[:2]}
    assert found["two"]["moved"].max() <= 1


def test_how_far_rounding_moves_a_fold_is_measured_against_another_seed(reference, tmp_path):
    folds = FOLDS[FOLDS["model"] == "vgg19"]

    def moved(job, p):
        return p + 0.25 * (probabilities(Job(spec("vgg19", seed=1), job.held_out)) - p)

    rows = tolerance.rows_of(
        reference, verification.moved_by_seed(reference), computed(tmp_path, moved, folds), folds
    )
    single = [row for row in rows if row["setting"] == "single"]
    assert len(rows) == 16
    found = rounding(pd.DataFrame(single).assign(cause="made"))["vgg19"]
    assert found[0] == pytest.approx((np.log(0.25), 0, 8, 7), abs=1e-3)
    assert tolerance.TWIN_SEED not in {profile.twin_seed for profile in PROFILES.values()}


def test_folds_that_have_shown_no_spread_are_taken_to_have_that_of_all_models():
    still = [{**ROUNDED[0], "model": "svm_pixels", "moved": 1e-4} for _ in range(5)]
    mean, spread, folds, df = rounding(pd.DataFrame([*ROUNDED, *still]))["svm_pixels"][0]
    rows = pd.DataFrame(ROUNDED).assign(log=lambda r: np.log(r["moved"] / r["by_seed"]))
    residuals = rows["log"] - rows.groupby(["model", "cause"])["log"].transform("mean")
    assert (np.exp(mean), folds, df) == pytest.approx((0.01, 5, 8 * 19))
    assert spread == pytest.approx(np.sqrt((residuals**2).sum() / df))


def test_what_the_changelog_says_of_results_is_counted(tmp_path):
    text = (
        "# C\n## [1]\n### Results\n\n- a\n- b\n  - c\n\n### Added\n- d\n## [0]\n### Results\n- e\n"
    )
    (tmp_path / "C.md").write_text(text)
    assert entries(tmp_path / "C.md") == 3


@pytest.fixture
def tiny(monkeypatch):
    """The tables are one, of LEARNet and a baseline."""

    def grid(profile, data):
        yield from (run_spec(profile, data[0], name) for name in ("learnet", "svm_hog"))

    table = Table("tiny", "Two runs", "nothing", grid)
    with registered(TABLES, table):
        monkeypatch.setattr(verification, "TABLES", {"tiny": table})
        yield


def test_a_finished_store_is_recorded_and_verified_by_commands(
    tiny, twins, workspace, tmp_path, monkeypatch, capsys
):
    def mer(*arguments) -> tuple[int, str]:
        with pytest.raises(SystemExit) as ended:
            main(list(map(str, arguments)))
        said = capsys.readouterr()
        return ended.value.code or 0, said.out + said.err

    monkeypatch.chdir(tmp_path)
    (tmp_path / "CHANGELOG.md").write_text("### Results\n- all\n")
    places = ["--profile", "smoke", "--data-root", twins, "--workers", 1]
    code, said = mer("verify", *places)
    assert (code, "mer reference" in said) == (1, True)
    with raises("no results", "fold(s)"):
        record(workspace, tmp_path / "x.zip", "here", 1)
    assert mer("run", "tiny", "--store", tmp_path / "store", *places)[0] == 0
    code, said = mer("reference", "--machine", "a laptop", "--store", tmp_path / "store", *places)
    assert code == 0, said
    with open_reference(tmp_path / "reference" / "smoke.zip") as found:
        assert found.about["versions"] == VERSIONS
        assert len(found.store.specs()) == 3  # LEARNet with another seed too
    for option in (["--all"], ["--store", tmp_path / "store"]):
        code, said = mer("verify", *places, *option, "--report", tmp_path / "report.html")
        assert code == 0, said
        assert "folds as recorded" in said
    assert "6 of 6 folds as recorded" in said
    assert "a laptop" in (tmp_path / "report.html").read_text()
    with pytest.raises(SystemExit):
        main(["verify", *map(str, places), "--sample", "2", "--format", "json"])
    assert json.loads(capsys.readouterr().out)["counts"][IDENTICAL] == 2
    assert mer("verify", *places, "--sample", 7)[0] == 1
    monkeypatch.setitem(verification.TABLES, "table6", TABLES["table6"])
    code, said = mer("verify", *places)
    assert (code, "other runs than the tables" in said) == (1, True)
    code, said = mer("verify", "--data-root", twins, "--reference", "reference/smoke.zip")
    assert (code, "profile smoke, not of demo" in said) == (1, True)
