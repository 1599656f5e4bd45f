"""Tables as run specifications, profiles, and the workspace that finds data and results."""

from __future__ import annotations

import shutil
from collections import Counter
from dataclasses import replace

import openpyxl
import pandas as pd
import pytest
from helpers import raises

from mer_utils import experiments
from mer_utils.experiments import profiles
from mer_utils.models import baselines, networks
from mer_utils.protocol import folds


@pytest.mark.parametrize("profile", experiments.PROFILES)
def test_every_profile_plans_all_six_models(profile):
    assert set(experiments.PROFILES[profile].models) == set(networks())


def test_table2_is_the_full_grid(workspace):
    specs = workspace.specs("table2")
    cells = {(s.data.dataset, s.model.name, s.train_views, s.seed) for s in specs}
    assert len(specs) == len(cells) == 2 * (6 * 4 + 3 * 3)
    assert len({s.key for s in specs}) == len(specs)
    counts = Counter(s.model.name for s in specs)
    assert {counts[name] for name in networks()} == {8}
    assert {counts[name] for name in baselines()} == {6}


def test_runs_name_weights_that_were_fetched_since(workspace, monkeypatch):
    profile = workspace.profile.changed(models=["efficientnet_lite0"], weights="imagenet")
    there = replace(workspace, profile=profile)
    for found in ("hub:", "sha256:"):
        for module in ("tables", "workspace"):
            name = f"mer_utils.experiments.{module}.weights_identity"
            monkeypatch.setattr(name, lambda m, found=found: found)
        assert {spec.model.weights for spec in there.specs("table2")} == {found}


def test_settings_of_one_model_differ_in_the_training_views_only(workspace):
    learnet = [
        s
        for s in workspace.specs("table2")
        if s.model.name == "learnet" and s.data.dataset == "samm"
    ]
    without_views = {s.model_copy(update={"train_views": ("full",)}).key for s in learnet}
    assert len(learnet) == len(experiments.COMPARED)
    assert len(without_views) == 1


def test_every_profile_tests_what_it_trains_with_a_control(workspace):
    assert {s.setting for s in workspace.specs("table2")} == set(experiments.COMPARED)


def test_every_table_is_planned_in_every_profile_and_no_key_twice(workspace):
    for name, table in experiments.TABLES.items():
        specs = workspace.specs(name)
        assert len({s.key for s in specs}) == len(specs), name
        rows = pd.DataFrame([s.columns for s in specs])
        varied = rows[[c for c in table.columns if c in rows]].drop_duplicates()
        assert table.columns == ("setting",) or len(varied) > 1 or "tested" in table.columns


def test_table5_trains_nothing_that_other_tables_do_not(workspace):
    others = {s.key for name in ("table2", "table4") for s in workspace.specs(name)}
    assert {s.key for s in workspace.specs("table5")} <= others


def test_rules_change_the_clips_and_so_the_fingerprint(workspace):
    found = {s.data: workspace.context.data(s.data).clips for s in workspace.specs("table7")}
    assert len(found) == 2 * 4
    for data, clips in found.items():
        usual = workspace.data[data.dataset]
        assert clips.equals(usual.clips) == (data.fingerprint == usual.spec.fingerprint)
        assert (data == usual.spec) == (data.missing_apex == "own")


def test_random_cuts_and_moved_apexes_differ_with_the_seed(workspace):
    seeds = {
        (s.seed, s.views.perturbation.seed)
        for name in ("table4", "table7")
        for s in workspace.specs(name)
        if s.views.perturbation.cut == "random" or s.views.perturbation.apex_shift
    }
    assert seeds == {(seed, seed) for seed in workspace.profile.seeds}


def test_made_variants_are_synthetic_whatever_the_data(workspace):
    specs = workspace.specs("phase_difference")
    numbers = {tuple(getattr(s.data, number) for number in profiles.VARIED) for s in specs}
    assert numbers == {(0.0, 1.0, 0.0), (1.0, 1.0, 0.0), (1.0, 1.0, 1.0)}
    assert all(data.dataset.made is not None for data in workspace.variants)
    assert {s.data for s in specs} == {data.spec for data in workspace.variants}
    assert len({s.data.fingerprint for s in specs}) == len(numbers)


def test_a_made_variant_with_the_numbers_of_the_twin_is_another_data_set(
    twins, tmp_path, monkeypatch
):
    # The twins of this profile are drawn as large as the variants are.
    monkeypatch.setattr(experiments.workspace, "VARIANT_FRAME_SIZE", (70, 85))
    numbers = {"phase_differences": (0.5,), "noises": (1.0,), "fall_informations": (0.0,)}
    profile = experiments.PROFILES["smoke"].model_copy(update=numbers)
    workspace = experiments.open_workspace(profile, twins, tmp_path / "store")
    (variant,) = workspace.variants
    twin = workspace.data["casme2"]
    assert variant.unread == twin.unread
    for data in (variant, twin):
        assert workspace.context.data(data.spec).dataset is data.dataset


def test_a_workspace_surveys_a_table_under_each_rule_once(workspace, monkeypatch):
    first = workspace.specs("table7")
    monkeypatch.delattr("mer_utils.runs.Data.under")
    assert workspace.specs("table7") == first


def test_small_profiles_train_networks_at_the_ends_of_a_range(workspace):
    shifts = {
        (s.model.name, s.views.perturbation.apex_shift) for s in workspace.specs("table7")
    } - {("learnet", 0), ("svm_hog", 0)}
    assert shifts == {("learnet", 2), ("learnet", 16)} | {
        ("svm_hog", shift) for shift in (2, 4, 8, 16)
    }


def test_jobs_are_one_a_held_out_subject(workspace):
    specs = workspace.specs("table2")[:2]
    subjects = sorted(workspace.clips(specs[0].data.dataset)["subject"].unique())
    jobs = workspace.jobs(specs)
    assert [j.held_out for j in jobs] == subjects * 2
    assert workspace.missing(specs) == jobs


@pytest.mark.parametrize("name", ["smoke", "demo"])
def test_every_class_can_be_learnt_in_every_fold(name, tmp_path):
    workspace = experiments.open_workspace(name, tmp_path / "data", outlines=tmp_path)
    for data in workspace.data.values():
        clips = data.clips
        for fold in folds(clips):
            assert clips["label"].iloc[fold.train].nunique() == clips["label"].nunique() == 5


def test_a_twin_is_named_on_every_page(workspace):
    assert workspace.is_synthetic("casme2")
    assert workspace.data_title.count("synthetic twin of") == 2


def test_licensed_data_are_used_where_the_variable_points(twins, tmp_path, monkeypatch):
    root = tmp_path / "samm"
    shutil.copytree(twins / "samm-smoke", root)
    (root / "synthetic.json").unlink()
    monkeypatch.setenv("MER_SAMM_ROOT", str(root))
    opened = experiments.open_workspace("smoke", twins, tmp_path / "store")
    assert opened.data_title.endswith("SAMM (licensed data)")
    assert not opened.is_synthetic("samm")


@pytest.mark.parametrize(
    ("kind", "named", "call"),
    [
        ("unknown name", "'huge'", lambda w: experiments.open_workspace("huge")),
        ("unknown name", "'table99'", lambda w: w.specs("table99")),
        ("no results", "", lambda w: w.predictions("table2")),
        ("other data", "'smic'", lambda w: w.context.data(other(w, dataset="smic"))),
        ("other data", "0000", lambda w: w.context.data(other(w, fingerprint="0" * 64))),
    ],
)
def test_bad_input_is_named(workspace, kind, named, call):
    with raises(kind) as error:
        call(workspace)
    assert named in str(error.value)


def other(workspace, **changes):
    return workspace.data["samm"].spec.model_copy(update=changes)


def test_files_changed_between_two_openings_are_seen(twins, tmp_path, monkeypatch):
    """Size and time of a file may stay: what one opening has read is not the next one's."""
    root = tmp_path / "casme2"
    shutil.copytree(twins / "casme2-smoke", root)
    monkeypatch.setenv("MER_CASME2_ROOT", str(root))
    before = experiments.open_workspace("smoke", twins, tmp_path / "store", datasets=["casme2"])
    clip = before.clips("casme2").iloc[0]
    sheet = next(root.glob("*.xlsx"))
    book = openpyxl.load_workbook(sheet)
    for row in book.active.iter_rows(min_row=2):
        if row[1].value == clip["clip"] and f"sub{int(row[0].value):02d}" == clip["subject"]:
            row[4].value = int(clip["onset"]) + 1
    book.save(sheet)
    after = experiments.open_workspace("smoke", twins, tmp_path / "store", datasets=["casme2"])
    assert after.clips("casme2").iloc[0]["apex"] == clip["onset"] + 1
    with raises("other data"):
        after.context.data(before.data["casme2"].spec)


def test_a_root_that_is_no_folder_is_named(twins, tmp_path, monkeypatch):
    monkeypatch.setenv("MER_CASME2_ROOT", str(tmp_path / "nowhere"))
    with raises("invalid setting"):
        experiments.open_workspace("smoke", twins, tmp_path / "store")


def test_tables_beside_the_second_can_take_fewer_seeds(twins, tmp_path):
    plans = dict(experiments.PROFILES["smoke"].models)
    plans["vgg19"] = plans["vgg19"].model_copy(update={"seeds": 2})
    changes = {"seeds": (0, 1, 2), "ablation_seeds": 1, "models": plans}
    profile = experiments.PROFILES["smoke"].model_copy(update=changes)
    workspace = experiments.open_workspace(profile, twins, tmp_path / "store")
    seeds = {
        table: {(s.model.name, s.seed) for s in workspace.specs(table)}
        for table in ("table2", "table4", "table7")
    }
    assert {seed for name, seed in seeds["table2"] if name == "learnet"} == {0, 1, 2}
    assert {seed for name, seed in seeds["table2"] if name == "vgg19"} == {0, 1}
    assert {seed for name, seed in seeds["table2"] if name == "svm_hog"} == {0}
    assert {seed for _, seed in seeds["table4"] | seeds["table7"]} == {0}
