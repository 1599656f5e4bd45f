"""Figures of the error analysis: what is drawn is what was given."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from helpers import raises

from mer_utils import plotting


@pytest.fixture
def by_subject():
    return pd.DataFrame(
        {
            "dataset": ["casme2", "casme2", "samm"],
            "subject": ["sub01", "sub02", "006"],
            "clips": [4, 9, 1],
            "accuracy": [0.5, 0.2, 1.0],
            "lowest": [0.25, 0.0, 1.0],
            "highest": [0.75, 0.4, 1.0],
        }
    )


def test_subjects_stand_in_order_of_accuracy(by_subject):
    figure = plotting.subject_accuracy_figure(by_subject)
    left, right = figure.axes
    assert left.get_title(loc="left") == "CASME II"
    assert [t.get_text() for t in left.get_yticklabels()] == ["sub02 (9)", "sub01 (4)"]
    assert [t.get_text() for t in right.get_yticklabels()] == ["006 (1)"]
    np.testing.assert_allclose(left.collections[1].get_offsets()[:, 0], [0.2, 0.5])


def test_places_stand_beside_each_other_class_by_class(rng):
    image = rng.integers(0, 256, (6, 6, 3), dtype=np.uint8)
    columns = {"mean DI": {"a": image, "b": image}, "map": {"b": np.eye(2)}}
    figure = plotting.places_grid(columns)
    assert len(figure.axes) == 4
    assert [a.get_ylabel() for a in figure.axes] == ["a", "", "b", ""]
    np.testing.assert_array_equal(figure.axes[0].images[0].get_array(), image)
    assert figure.axes[1].texts[0].get_text() == "none"
    np.testing.assert_array_equal(figure.axes[3].images[0].get_array(), np.eye(2))
    assert figure._repr_svg_() == plotting.places_grid(columns)._repr_svg_()


def test_a_face_is_seen_through_its_map(rng):
    image = rng.integers(0, 256, (6, 6, 3), dtype=np.uint8)
    columns = {"mean DI": {"a": image}, "map": {"a": np.eye(2), "b": np.eye(2)}}
    figure = plotting.places_grid(columns, under="mean DI")
    beneath, over = figure.axes[1].images
    np.testing.assert_array_equal(beneath.get_array(), image)
    assert list(over.get_extent()) == list(beneath.get_extent())
    assert over.get_alpha() < 1
    assert len(figure.axes[3].images) == 1  # class b has no mean DI


def test_a_map_of_zeros_is_drawn_dark():
    figure = plotting.places_grid({"map": {"a": np.zeros((2, 2))}})
    assert figure.axes[0].images[0].get_clim() == (0, 1)


def test_nothing_to_draw_is_refused(by_subject):
    with raises("nothing to draw"):
        plotting.places_grid({"map": {}})
    with raises("nothing to draw"):
        plotting.subject_accuracy_figure(by_subject.iloc[:0])
