"""Tables as run specifications, profiles, and the workspace that finds data and results."""

from __future__ import annotations

from collections import Counter

import pandas as pd
import pytest

from mer_utils import experiments
from mer_utils.errors import MerError
from mer_utils.models import MODELS


@pytest.mark.parametrize("profile", experiments.PROFILES)
def test_every_profile_plans_all_six_models(profile):
    assert set(experiments.get_profile(profile).models) == set(MODELS)


def test_table2_is_the_full_grid(workspace):
    specs = workspace.specs("table2")
    cells = {(s.data.dataset, s.model.name, s.train_views, s.seed) for s in specs}
    assert len(specs) == len(cells) == 2 * 6 * 3
    assert len({s.key for s in specs}) == len(specs)
    assert set(Counter(s.model.name for s in specs).values()) == {6}


def test_settings_of_one_model_differ_in_the_training_views_only(workspace):
    learnet = [
        s
        for s in workspace.specs("table2")
        if s.model.name == "learnet" and s.data.dataset == "samm"
    ]
    without_views = {s.model_copy(update={"train_views": ("full",)}).key for s in learnet}
    assert len(learnet) == 3
    assert len(without_views) == 1


def test_every_profile_tests_what_it_trains_with_a_control(workspace):
    views = {s.train_views for s in workspace.specs("table2")}
    assert views == set(experiments.SETTINGS.values())
    assert len(experiments.SETTINGS["matched single"]) == len(experiments.SETTINGS["dual"])


def test_jobs_are_one_a_held_out_subject(workspace):
    specs = workspace.specs("table2")[:2]
    subjects = sorted(workspace.clips(specs[0].data.dataset)["subject"].unique())
    jobs = workspace.jobs(specs)
    assert [j.held_out for j in jobs] == subjects * 2
    assert workspace.missing(specs) == jobs


def test_demo_has_enough_of_every_class_in_every_fold(twins):
    profile = experiments.get_profile("demo")
    assert profile.subjects >= 8
    # Classes are spread evenly over a subject's clips, so every other subject brings
    # each of the five at least clips_per_subject // 5 times.
    assert (profile.subjects - 1) * (profile.clips_per_subject // 5) >= 2


def test_a_twin_is_named_on_every_page(workspace):
    assert workspace.is_synthetic("casme2")
    assert workspace.data_title.count("synthetic twin of") == 2


def test_licensed_data_are_used_where_the_variable_points(twins, tmp_path, monkeypatch):
    monkeypatch.setenv("MER_SAMM_ROOT", str(twins / "samm-smoke"))
    (twins / "samm-smoke" / "synthetic.json").rename(tmp_path / "hidden.json")
    try:
        opened = experiments.open_workspace("smoke", twins, tmp_path / "store")
        assert opened.data_title.endswith("SAMM (licensed data)")
        assert not opened.is_synthetic("samm")
    finally:
        (tmp_path / "hidden.json").rename(twins / "samm-smoke" / "synthetic.json")


def test_setting_of_unknown_views_is_the_views_themselves():
    rows = pd.DataFrame({"train_views": ["full+onset_apex+apex_offset", "onset_apex"]})
    assert experiments.add_setting(rows)["setting"].tolist() == ["dual", "onset_apex"]


@pytest.mark.parametrize(
    ("call", "named"),
    [
        (lambda w: experiments.open_workspace("huge"), "profile 'huge' is unknown"),
        (lambda w: w.specs("table99"), "table 'table99' is unknown"),
        (lambda w: w.predictions("table2"), "holds no fold"),
        (lambda w: w.context.root("smic"), "'smic'"),
    ],
)
def test_bad_input_is_named(workspace, call, named):
    with pytest.raises(MerError) as error:
        call(workspace)
    assert named in str(error.value)


def test_a_root_that_is_no_folder_is_named(twins, tmp_path, monkeypatch):
    monkeypatch.setenv("MER_CASME2_ROOT", str(tmp_path / "nowhere"))
    with pytest.raises(MerError, match=r"MER_CASME2_ROOT names .*nowhere"):
        experiments.open_workspace("smoke", twins, tmp_path / "store")
