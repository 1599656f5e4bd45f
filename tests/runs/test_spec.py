"""The key of a run: everything that can change a prediction, and nothing else."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys

import pandas as pd
import pytest
from helpers import raises
from pydantic import BaseModel, ValidationError

from mer_utils.frames import CropOptions
from mer_utils.runs import DataSpec, ModelSpec, RunSpec
from mer_utils.runs.rows import run_columns
from mer_utils.runs.spec import SPEC_VERSION
from mer_utils.training import TrainingOptions
from mer_utils.views import ViewOptions

SPEC = RunSpec(
    data=DataSpec(dataset="casme2", scheme="casme2-5", fingerprint="0" * 64),
    model=ModelSpec(name="resnet50", width=0.25),
)

# Another allowed value of every field of a run, part by part.
OTHER = {
    "data": {
        "dataset": "samm", "scheme": "samm-5", "fingerprint": "1" * 64, "missing_apex": "drop",
        "degenerate_phase": "drop_clip", "missing_frames": "drop_clip",
        "crops": (("casme2", CropOptions()),), "phase_difference": 0.5, "noise": 2.0,
        "fall_information": 1.0,
    },
    "views": {
        "source": "apex_difference", "kind": "linear", "scaling": "symmetric", "image_size": 32,
        "frames": 8,
        "perturbation": {"apex_shift": 2, "trim": 1, "cut": "random", "seed": 3},
    },
    "model": {
        "name": "vgg19", "width": 0.5, "depth": 0.5, "pretrained": True, "weights": "sha256:00",
    },
    "training": {
        "epochs": 3, "batch_size": 4, "learning_rate": 0.1, "weight_decay": 0.0,
        "warmup_fraction": 0.5, "label_smoothing": 0.1, "gradient_clip": 2.0,
        "precision": "bfloat16", "balance": "sampling",
    },
    "train_views": ("full", "full", "full"), "spatial": "flip", "seed": 1,
    "evaluation": "mixed folds",
    "training_version": 99, "views_version": 99, "own_code": "0" * 32,
}  # fmt: skip


def changes(model: type[BaseModel], other: dict) -> list[tuple[str, ...]]:
    """Paths to every field of a specification, found from the models themselves."""
    found = []
    for name, field in model.model_fields.items():
        inner = field.annotation
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            found += [(name, *path) for path in changes(inner, other.get(name, {}))]
        else:
            found.append((name,))
    return found


def changed(path: tuple[str, ...]) -> RunSpec:
    return with_other(SPEC, path, OTHER)


def with_other(part: BaseModel, path: tuple[str, ...], other: dict) -> BaseModel:
    name, *rest = path
    value = with_other(getattr(part, name), rest, other[name]) if rest else other[name]
    return part.model_copy(update={name: value})


@pytest.mark.parametrize("path", changes(RunSpec, OTHER), ids=".".join)
def test_every_field_changes_the_key(path):
    before = SPEC.key  # asked for first, so that a key kept by the copy would be found out
    assert changed(path).key != before


def test_all_changed_keys_differ():
    keys = {changed(path).key for path in changes(RunSpec, OTHER)}
    assert len(keys) == len(changes(RunSpec, OTHER))


def test_the_key_ignores_the_order_in_which_fields_were_given():
    fields = json.loads(SPEC.model_dump_json())
    backwards = dict(reversed(fields.items()))
    backwards["training"] = dict(reversed(fields["training"].items()))
    assert RunSpec.model_validate(backwards).key == SPEC.key


def test_the_key_is_the_same_in_another_process():
    code = (
        "import sys; from mer_utils.runs import RunSpec;"
        "print(RunSpec.model_validate_json(sys.argv[1]).key)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, SPEC.model_dump_json()],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout.strip() == SPEC.key


def test_the_arms_of_a_comparison_share_the_seed_of_a_fold():
    arms = [("train_views",), ("spatial",), ("views", "kind"), ("training", "epochs")]
    assert {changed(arm).fold_seed("sub01") for arm in arms} == {SPEC.fold_seed("sub01")}
    assert changed(("data", "dataset")).fold_seed("sub01") != SPEC.fold_seed("sub01")


def test_fold_seeds_differ_by_fold_and_by_seed():
    seeds = {spec.fold_seed(s) for spec in (SPEC, changed(("seed",))) for s in ("sub01", "sub02")}
    assert len(seeds) == 4
    assert all(0 <= seed < 2**32 for seed in seeds)
    assert SPEC.fold_seed("sub01") == SPEC.fold_seed("sub01")


@pytest.mark.parametrize(
    ("kind", "wrong"),
    [
        ("invalid option", {"train_views": ()}),
        ("unknown name", {"train_views": ("apex",)}),
        ("unknown name", {"train_views": "triple"}),
        ("unknown name", {"spatial": "shear"}),
        ("unknown name", {"evaluation": "luck"}),
    ],
)
def test_what_is_not_registered_is_refused_by_name(kind, wrong):
    with raises(kind):
        RunSpec.model_validate(json.loads(SPEC.model_dump_json()) | wrong)


@pytest.mark.parametrize(
    "wrong",
    [
        {"seed": -1},
        {"colour": "red"}, {"training": {"epochs": 0}}, {"views": {"image_size": 4}},
        {"model": {"name": "vgg19", "width": 0}},
    ],
)  # fmt: skip
def test_impossible_specifications_are_refused(wrong):
    with pytest.raises(ValidationError):
        RunSpec.model_validate(json.loads(SPEC.model_dump_json()) | wrong)


def test_a_new_field_with_a_default_leaves_old_keys_alone():
    class Later(RunSpec):
        colour: str = "grey"

    later = Later.model_validate(SPEC.model_dump())
    assert later.key == SPEC.key
    assert later.model_copy(update={"colour": "red"}).key != SPEC.key


def test_a_changed_default_needs_another_version():
    """Keys leave out what is a default, so a default that changes must change the version."""
    # The versions of the code are in the key by themselves.
    own = {"data", "model", "training_version", "views_version", "own_code"}
    defaults = json.dumps(SPEC.model_dump(mode="json", exclude=own), sort_keys=True)
    known = {3: "5b11a358b46c"}
    assert known[SPEC_VERSION] == hashlib.sha256(defaults.encode()).hexdigest()[:12]


def test_a_training_set_by_name_is_the_same_run():
    views = ("full", "onset_apex", "apex_offset")
    by_name = RunSpec(data=SPEC.data, model=SPEC.model, train_views="dual")
    assert by_name == SPEC.model_copy(update={"train_views": views})
    assert (by_name.setting, SPEC.setting) == ("dual", "single")


def test_columns_are_typed_and_hold_no_words():
    frame = run_columns([SPEC, changed(("views", "frames")), changed(("data", "noise"))])
    assert frame["frames"].tolist() == [pd.NA, 8, pd.NA]
    assert frame["noise"].isna().tolist() == [True, True, False]
    assert frame.dtypes[["seed", "apex_shift"]].tolist() == ["int64", "int64"]
    assert frame["run"].nunique() == 3


def test_parts_have_the_rooms_own_types():
    assert isinstance(SPEC.views, ViewOptions)
    assert isinstance(SPEC.training, TrainingOptions)


@pytest.mark.scenario("J")
def test_a_model_that_there_is_not_is_refused_where_it_is_named():
    with raises("unknown name", "lernet", "learnet"):
        ModelSpec(name="lernet")
    assert ModelSpec(name="resnet18").name == "resnet18"  # timm's
