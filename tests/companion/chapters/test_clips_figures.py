"""The grid of face crops: every subject has a place, also one without a face."""

from __future__ import annotations

import numpy as np
from helpers import raises

from companion.chapters.clips_figures import face_crops
from mer_utils.datasets import SubjectCrop


def test_every_subject_is_named_and_a_lost_face_is_said(rng) -> None:
    images = [rng.integers(0, 256, (16, 16, c), np.uint8) for c in (1, 3)] + [None] * 8
    crops = [SubjectCrop("samm", f"{n:03}", f"{n:03}_1", i) for n, i in enumerate(images)]
    axes = face_crops(crops).axes
    assert [a.get_title(loc="center") for a in axes[:10]] == [c.subject for c in crops]
    assert [len(a.images) for a in axes] == [1, 1] + [0] * (len(axes) - 2)
    np.testing.assert_array_equal(axes[0].images[0].get_array(), images[0][:, :, 0])
    np.testing.assert_array_equal(axes[1].images[0].get_array(), images[1])
    said = [[text.get_text() for text in a.texts] for a in axes]
    assert said[:2] == [[], []]
    assert said[2:10] == [[f"no face\nfound in\n{c.clip}"] for c in crops[2:]]
    assert not any(said[10:])


def test_no_crop_is_refused() -> None:
    with raises("nothing to draw"):
        face_crops([])
