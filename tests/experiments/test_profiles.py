"""Profiles: files that say everything, changes that enter every key, and what is refused."""

from __future__ import annotations

import hashlib
import re
from fractions import Fraction
from pathlib import Path

import pytest
from helpers import raises
from typer.testing import CliRunner

from mer_utils import synthetic
from mer_utils.cli.main import app
from mer_utils.experiments import PROFILES, TABLES, open_workspace, profiles, run_spec
from mer_utils.experiments.tables import COMPARED
from mer_utils.models import baselines, title
from mer_utils.runs import DataSpec, ModelSpec, plan

PAGE = Path(__file__).parents[2] / "book" / "run_on_your_data.md"
DATA = DataSpec(dataset="casme2", scheme="casme2-5", fingerprint="0" * 64)
GOOD = """
title = "mine"
purpose = "a test"
seeds = [0]
[training]
epochs = 2
batch_size = 16
[models]
learnet = { image_size = 32, width = 0.5 }
"""


def keys(profile):
    specs = (
        run_spec(profile, DATA, model, train=train, seed=seed)
        for model in (*profile.networks, *profile.baselines)
        for train in COMPARED
        for seed in profile.seeds
    )
    same_code = {"training_version": 1, "views_version": 1}
    return {spec.model_copy(update=same_code).key for spec in specs}


@pytest.fixture
def hub(monkeypatch):
    """Whether or not weights are on this machine, they are the hub's."""
    monkeypatch.setattr("mer_utils.experiments.tables.weights_identity", lambda m: f"hub:{m}")


@pytest.mark.parametrize(
    ("name", "count", "digest"),
    [
        ("smoke", 36, "e999a1b5dfc56d6d"),
        ("demo", 108, "8cff282d65728dc4"),
        ("paper", 180, "4c755bd1117213c5"),
    ],
)
def test_keys_are_those_that_results_are_recorded_under(hub, name, count, digest):
    """Another digest is another set of results: of the paper's, as when profiles were Python."""
    found = keys(PROFILES[name])
    assert len(found) == count
    assert hashlib.sha256("".join(sorted(found)).encode()).hexdigest()[:16] == digest


@pytest.mark.parametrize("name", PROFILES)
def test_widths_are_the_fractions_that_are_meant(name):
    for used in PROFILES[name].models.values():
        assert used.width == float(Fraction(used.width).limit_denominator(64))


@pytest.fixture
def mine(tmp_path):
    def mine(old="", new="", name="mine"):
        file = tmp_path / f"{name}.toml"
        assert old in GOOD
        file.write_text(GOOD.replace(old, new, 1) if old else GOOD + new, "utf-8")
        return file

    return mine


def test_a_file_of_ones_own_is_a_profile(mine, twins, tmp_path):
    file = mine()
    workspace = open_workspace(str(file), tmp_path / "data", outlines=tmp_path)
    assert workspace.profile.label == "mine"
    assert workspace.tables == list(TABLES)
    assert str(file) in workspace.command("table2")
    again = profiles.find(f"{file} --epochs 5")
    assert (again.label, again.training.epochs) == ("mine --epochs 5", 5)


def test_how_networks_are_trained_is_changed_in_keys_and_words(mine):
    words = "--learning-rate 0.01 --balance sampling --spatial flip-blue"
    changed = profiles.find(f"{mine()} {words}")
    assert changed.label == f"mine {words}"
    assert changed.sizes.endswith("classes balanced by sampling, augmented by flip-blue")
    specs = [run_spec(changed, DATA, name) for name in ("learnet", "svm_hog")]
    training = specs[0].training
    assert (training.learning_rate, training.balance) == (0.01, "sampling")
    assert [spec.spatial for spec in specs] == ["flip-blue", "none"]
    assert run_spec(changed, DATA, "learnet", spatial="none").spatial == "none"
    assert profiles.find(changed.words) == changed
    for wrong in ("--balance never", "--learning-rate fast"):
        with raises("invalid option", wrong.split()[1]):
            profiles.find(f"demo {wrong}")
    with raises("unknown name", "flip-pink", "flip-red"):
        profiles.find("demo --spatial flip-pink")


@pytest.mark.parametrize(
    ("old", "new", "kind", "named"),
    [
        ("title = ", "titel = ", "invalid option", "titel"),
        ('title = "mine"\n', "", "invalid option", "title is missing"),
        ("epochs = 2\n", "", "invalid option", "training.epochs is missing"),
        ("image_size = 32, ", "", "invalid option", "models.learnet.image_size is missing"),
        ("width", "widht", "invalid option", "models.learnet.widht"),
        ("epochs = 2", 'epochs = "two"', "invalid option", "training.epochs is 'two'"),
        ("seeds = [0]", "seeds = []", "invalid option", "seeds"),
        ("seeds = [0]", "seeds = [3, 3]", "invalid option", "seeds names 3 twice"),
        ("seeds = [0]", "seeds = [true, 0]", "invalid option", "seeds is [True, 0]"),
        ("epochs = 2", "epochs = true", "invalid option", "training.epochs is True"),
        ("width = 0.5", "width = true", "invalid option", "models.learnet.width is True"),
        ("seeds = [0]", "seeds = [-1]", "invalid option", "seeds"),
        ("seeds = [0]", 'name = "x"\nseeds = [0]', "invalid option", "name"),
        ("[training]", "[training", "invalid option", "mine.toml"),
        ("learnet", "leornet", "unknown name", "leornet"),
        ("learnet", "svm_hog", "invalid option", "svm_hog"),
        ("width = 0.5", "width = 0.1", "invalid option", "few channels"),
        ("width = 0.5", "pretrained = true", "invalid option", "no ImageNet weights"),
        ("learnet = { image_size = 32", "vgg19 = { image_size = 31", "invalid option", "31 pixels"),
        (
            "learnet = { image_size = 32",
            "vit_base_patch16_224 = { image_size = 50",
            "invalid option",
            "48",
        ),
    ],
)
def test_a_file_that_does_not_fit_is_refused_by_name(mine, old, new, kind, named):
    file = mine(old, new)
    with raises(kind, str(file)) as error:
        profiles.read(file)
    assert named in str(error.value)


def test_a_file_cannot_take_the_name_of_another_profile_nor_be_absent(mine, tmp_path):
    with raises("taken name", "demo"):
        profiles.read(mine(name="demo"))
    with raises("cannot read", "absent.toml"):
        profiles.find(str(tmp_path / "absent.toml"))


def test_a_table_of_a_profile_that_there_is_not_is_named(mine, tmp_path):
    file = mine("seeds", 'tables = ["table9"]\nseeds')
    with raises("unknown name", "table9"):
        open_workspace(str(file), tmp_path / "data", outlines=tmp_path).tables  # noqa: B018


@pytest.mark.parametrize(
    ("options", "changed"),
    [
        ("--epochs 3", {"training.epochs": 3}),
        ("--image-size 64", {"views.image_size": 64}),
        ("--seeds 6", {}),
    ],
)
def test_what_the_command_line_changes_is_in_every_key_and_on_the_banner(hub, options, changed):
    before, after = PROFILES["demo"], profiles.find(f"demo {options}")
    old, new = keys(before), keys(after)
    if not changed:  # more seeds add keys, and change none
        assert old < new
        assert len(new) == 2 * len(old)
    else:
        # A baseline is not trained epoch by epoch.
        kept = len(baselines()) * len(COMPARED) * len(before.seeds) * ("--epochs" in options)
        assert len(old & new) == kept
    assert after.label == f"demo {options}"
    assert after.sizes != before.sizes


def test_models_confine_every_table(tmp_path):
    workspace = open_workspace("smoke --models vgg19,svm_hog", tmp_path / "data", outlines=tmp_path)
    for table in ("table2", "table4", "table7"):
        assert {spec.model.name for spec in workspace.specs(table)} == {"vgg19", "svm_hog"}
    assert workspace.specs("table2")[0].model.width == 1 / 32
    one = profiles.find("demo --models mobilenetv3_small_050")
    assert one.plan("mobilenetv3_small_050").image_size == one.baseline_image_size


def test_later_options_take_the_place_of_earlier_ones():
    assert PROFILES["demo"].changed(seeds=3).changed(seeds=2, epochs=1).label == (
        "demo --seeds 2 --epochs 1"
    )
    assert PROFILES["paper"].changed(seeds=2).seeds == (0, 1)


def test_networks_have_seeds_and_epochs_of_their_own_until_the_command_line_says_more(mine):
    own = mine("width = 0.5", "width = 0.5, epochs = 7, seeds = 1")
    lines = own.read_text("utf-8").replace("seeds = [0]", "seeds = [0, 1]\nablation_seeds = 1")
    own.write_text(lines + "vgg19 = { image_size = 32 }\n", "utf-8")

    profile = profiles.read(own)
    assert profile.sizes.endswith("2 to 7 epochs, 1 to 2 seeds")
    assert run_spec(profile, DATA, "learnet").training.epochs == 7
    assert profile.seeds_of("learnet") == (0,)
    assert profile.seeds_of("vgg19") == (0, 1)
    more = profile.changed(seeds=2, epochs=3)
    assert more.sizes.endswith("3 epochs, 2 seeds")
    assert more.ablation_seeds is None


def test_a_seed_that_a_profile_begins_with_stays_its_first():
    assert PROFILES["demo"].model_copy(update={"seeds": (7,)}).changed(seeds=2).seeds == (7, 0)


@pytest.mark.parametrize(
    ("given", "kind", "named"),
    [
        ("huge", "unknown name", "*.toml"),
        ("demo --epoch 3", "unknown name", "--epochs"),
        ("demo --epochs", "invalid option", "--epochs"),
        ("demo --seeds 99999999999", "invalid option", "1000"),
        ("demo 'a b", "invalid option", "quotation"),
        (
            "demo --models svm_hog,svm_hog",
            "invalid option",
            "svm_hog: --models names svm_hog twice",
        ),
        ("demo --learning-rate inf", "invalid option", "learning_rate"),
        ("demo --epochs 0", "invalid option", "training.epochs"),
        ("demo --seeds two", "invalid option", "two"),
        ("demo --seeds 0", "invalid option", "seeds"),
        ("demo --image-size 50", "invalid option", "vit_base_patch16_224"),
        ("demo --models lernet", "unknown name", "learnet"),
    ],
)
def test_wrong_options_are_named(given, kind, named):
    with raises(kind, named):
        profiles.find(given)


def test_the_command_line_joins_its_options(twins, tmp_path, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    places = ["--data-root", str(twins), "--store", str(tmp_path / "store")]
    sizes = ["--models", "learnet", "--seeds", "2", "--epochs", "1", "--image-size", "16"]
    shown = CliRunner().invoke(app, ["status", "table2", "--profile", "smoke", *sizes, *places])
    assert shown.exit_code == 0, shown.output
    assert "smoke --models learnet --seeds 2 --image-size 16 --epochs 1" in shown.output
    assert "1 network at 16 pixels, narrowed, without ImageNet weights, 1 epoch, 2 seeds" in (
        shown.output
    )
    # Two data sets of three subjects, four training sets, two seeds.
    assert str(2 * 3 * 4 * 2) in shown.output
    refused = CliRunner().invoke(
        app, ["plan", "--image-size", "50", "--models", "vit_base_patch16_224"]
    )
    assert refused.exception.kind == "invalid option"


def test_a_night_is_the_main_table_on_full_networks_that_its_machines_can_take():
    night = PROFILES["night"]
    assert night.tables == ("table2",)
    assert len(night.seeds) == 2
    assert {plan.width for plan in night.models.values()} == {1.0}
    pretrained = {name for name, plan in night.models.items() if plan.pretrained}
    assert pretrained == set(night.models) - {"learnet"}
    precision = {name: night.training_of(plan).precision for name, plan in night.models.items()}
    on_cores = {name for name, used in precision.items() if used == "float32"}
    assert on_cores == {"learnet", "mobilenetv2_100"}


def test_the_page_says_what_a_night_takes_and_it_is_one():
    night, epochs = PROFILES["night"], PROFILES["night"].training.epochs
    # Clips times subjects but one, of 246 and 26 and of 136 and 27; views of the training sets.
    images = (246 * 25 + 136 * 26) * (1 + 3 + 3 + 3) * epochs * len(night.seeds)
    on_gpu, on_cores = 0.0, 0.0
    for name, used in night.models.items():
        work = images * 3 * plan.forward_operations(ModelSpec(name=name), used.image_size, 5)
        gpu = plan.GPU_OPERATIONS_PER_SECOND[name][night.training_of(used).precision]
        small = plan.SMALL_GPU_TIMES * work / gpu / 3600
        cores = work / plan.CORE_OPERATIONS_PER_SECOND[name] / 8 / 3600
        row = next(row for row in PAGE.read_text().splitlines() if f"| {title(name)} | " in row)
        cells = [cell.strip(" *h") for cell in row.strip("|").split("|")]
        assert cells[1] == f"{images:,}"
        assert float(cells[3]) == pytest.approx(small, abs=0.051)
        assert float(cells[4]) == pytest.approx(cores, abs=0.51 if cores > 10 else 0.051)
        if used.precision == "float32":
            on_cores += cores
        else:
            on_gpu += small
    assert max(on_gpu, on_cores) * plan.BESIDE_STEPS < 10


def test_the_profile_that_the_page_shows_is_one(tmp_path):
    (shown,) = re.findall(r"<<'END'\n(.*?)^END", PAGE.read_text(), re.DOTALL | re.MULTILINE)
    (tmp_path / "mine.toml").write_text(shown)
    assert profiles.read(tmp_path / "mine.toml").tables == ("table2", "table4")


def test_what_networks_start_from_is_an_option():
    lite = "tf_efficientnet_lite0"
    changed = profiles.find(f"demo --models {lite},constant --weights imagenet")
    assert changed.networks == [lite]
    assert changed.plan(lite).pretrained
    assert not profiles.find("paper --models resnet50 --weights none").plan("resnet50").pretrained
    with raises("invalid option", "no ImageNet weights"):
        profiles.find("demo --models learnet --weights imagenet")
    with raises("unknown name", "coco"):
        profiles.find("demo --weights coco")


def test_a_few_subjects_of_a_data_set_make_a_sliver_with_keys_of_its_own(tmp_path, monkeypatch):
    root = synthetic.write("casme2", tmp_path / "c", subjects=4, seed=1, frame_size=(32, 32))
    monkeypatch.setenv("MER_CASME2_ROOT", str(root))
    whole, few = (
        open_workspace(f"smoke{more}", tmp_path / "data", datasets=["casme2"])
        for more in ("", " --subjects 2")
    )
    assert few.profile.label == "smoke --subjects 2"
    assert "2 subjects of each data set" in few.profile.sizes
    counts = whole.clips("casme2")["subject"].value_counts()
    left = few.clips("casme2")["subject"].value_counts()
    assert left.to_dict() == counts.sort_index().nlargest(2).to_dict()
    assert (
        few.ledger("casme2")["reason"].str.contains("at_most=2").sum() == counts.sum() - left.sum()
    )
    (one, *_), (other, *_) = few.specs("table2"), whole.specs("table2")
    assert one.key != other.key
    assert len(few.jobs([one])) == 2
    with raises("invalid option", "at_most"):
        profiles.find("smoke --subjects 1")
