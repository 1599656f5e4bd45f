"""The one registry of models: what is a network, and how one's own joins."""

from __future__ import annotations

import pandas as pd
import timm
from helpers import raises, registered

from mer_utils import models
from mer_utils.models import MODELS, Architecture, Baseline


def test_six_networks_and_three_baselines():
    assert len(models.networks()) == 6
    assert tuple(models.baselines()) == ("constant", "svm_pixels", "svm_hog")
    assert set(MODELS) == {*models.networks(), *models.baselines()}


def test_a_network_that_only_timm_knows_counts_as_one_under_its_own_name():
    found = models.find("vit_tiny_patch16_384")
    assert (found.title, found.image_size, found.is_network) == (found.name, 384, True)
    names = pd.Series(["resnet18", "svm_hog", "learnet"])
    assert models.are_networks(names).tolist() == [True, False, True]
    assert models.are_networks(names[:0]).dtype == bool


def test_a_network_of_ones_own_is_one_registration():
    seventh = Architecture(
        "seventh",
        "Seventh",
        constructor=lambda n, size: timm.create_model("test_resnet", num_classes=n),
    )
    with registered(MODELS, seventh):
        assert list(models.networks())[-1] == "seventh"
        assert models.title("seventh") == "Seventh"
        assert models.find("seventh") is seventh
        assert models.create("seventh", 4, 32).get_classifier().out_features == 4
        for wrong in ({"width": 0.5}, {"pretrained": True}):
            with raises("invalid option", "seventh"):
                models.create("seventh", 4, 32, **wrong)


def test_what_is_no_model_is_refused():
    with raises("taken name", "svm_hog"):
        MODELS.register(Architecture("svm_hog", "HOG net"))
    with raises("incomplete registration", "is_network"):
        MODELS.register(pd.Series(name="series"))
    with raises("unknown name", "resnet5O", "resnet50", "timm.list_models()"):
        models.find("resnet5O")


def test_a_baseline_of_ones_own_is_one_too():
    grey = Baseline("grey", "Mean grey", lambda images: images.mean((1, 2)))
    with registered(MODELS, grey):
        assert list(models.baselines())[-1] == "grey"
        assert not models.is_network("grey")
        with raises("invalid option", "grey"):
            models.create("grey", 4, 32)
