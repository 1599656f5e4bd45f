"""What figures show, in sentences: every one has its own, made of what it draws."""

from __future__ import annotations

from pathlib import Path

import jupytext
import numpy as np
import pandas as pd
import pytest

from companion.chapters import pictures
from mer_utils import plotting

ROOT = Path(__file__).parents[3]
#: Drawings of how something is done, which hold no data.
DIAGRAMS = ("diagrams.", "learnet_figures.")


def tokens(notebook: Path) -> str:
    """Return a chapter as a word: F for a figure of data, H for a sentence that begins "Here:"."""
    found = ""
    for cell in jupytext.read(notebook).cells:
        if cell.cell_type == "markdown":
            found += "H" * cell.source.count("**Here:**")
        elif "name" in (figure := cell.metadata.get("mystnb", {}).get("figure", {})):
            found += "" if cell.source.startswith(DIAGRAMS) else "F"
        elif figure:
            continue  # more of the figure above it
        else:
            found += "H" * cell.source.count("here(")
    return found


@pytest.mark.parametrize(
    "notebook", sorted((ROOT / "notebooks").glob("*.md")), ids=lambda p: p.stem
)
def test_every_figure_has_a_sentence_of_its_own(notebook):
    free, waiting = 0, 0
    for token in tokens(notebook):
        if token == "H":
            # It is of the figure before it, if that has none yet.
            free, waiting = (free, 0) if waiting else (free + 1, 0)
        else:
            assert not waiting, "two figures follow each other without a sentence"
            free, waiting = (free - 1, 0) if free else (0, 1)
    assert not waiting


CLIP = np.random.default_rng(5).integers(0, 255, (9, 12, 10, 1)).astype(np.uint8)


def test_sentences_of_views_follow_the_frames():
    pair = ("onset_apex", "apex_offset", "of rise and fall")
    mirrored = np.concatenate([CLIP[:5], CLIP[3::-1]])
    one, other = (pictures.said_of_views([plotting.di_row("x", clip, 4)], pair)
                  for clip in (CLIP, mirrored))  # fmt: skip
    assert one != other
    assert " -0." in other  # the fall undoes the rise
    still = np.repeat(CLIP[:1], 9, axis=0)
    frames = plotting.frames_row("x", still, 4)
    assert "changes by 0.0 of 255" in pictures.said_of_frames([frames])
    left = pictures.said_of_ported([plotting.ported_row("x", CLIP)])
    assert left.startswith("the ported image correlates with the mean frame +")
    without = plotting.di_row("x", CLIP, None)
    assert pictures.said_of_views([without], pair) == "no clip has both images."


def test_sentences_of_clips_count():
    rows = [("casme2", "1", "a"), ("casme2", "1", "b"), ("casme2", "2", "a")]
    clips = pd.DataFrame(rows, columns=["dataset", "subject", "label"])
    said = pictures.said_of_subjects(clips)
    assert "1 to 2 clips per subject; 1 of 2 subjects lack a class" in said
    assert "no subject lacks a class" in pictures.said_of_subjects(clips[:2])
    units = pd.DataFrame(
        [("joy", "6", 2, 3), ("joy", "12", 3, 3)],
        columns=["emotion", "action_unit", "count", "clips"],
    )
    assert "AU12 in joy (3 of 3 clips)" in pictures.said_of_units(units)


def test_sentences_of_fields_name_the_classes_that_are_alike():
    field = np.zeros((4, 4, 2))
    field[1, 1] = (3, 4)
    other = np.zeros((4, 4, 2))
    other[2, 2] = (1, 0)
    said = pictures.said_of_fields({"a": field, "b": other, "c": 2 * field})
    assert "furthest for c (10.0 pixels) and least for b (1.0); most alike are a and c" in said


def test_costs_are_said_network_by_network():
    curves = pd.DataFrame(
        [
            (case, f"{loop}, seed {seed}", x, value)
            for case, value in (("vgg19", 1.0), ("learnet", 0.25))
            for loop in ("ours", "usual loop")
            for seed in (0, 1)
            for x in range(1, 3 if case == "vgg19" else 4)  # each its own number of epochs
        ],
        columns=["case", "measure", "x", "value"],
    )
    curves["value"] += curves["measure"].str.endswith("1") * 0.5 + (curves["x"] == 1) * 9
    assert pictures.said_of_losses(curves) == (
        "the last losses of both loops overlap over seeds for every network (2 networks)."
    )
    curves["value"] += 3 * curves["measure"].str.startswith("usual") * (curves["case"] == "learnet")
    assert "not for LEARNet (ours 0.25 to 0.75, usual loop 3.25 to 3.75)" in (
        pictures.said_of_losses(curves)
    )
    growth = pd.DataFrame(
        {"varied": ["clips, 8 subjects"], "exponent of the time": [0.76], "expected": [1.0]}
    )
    assert pictures.said_of_growth(growth) == (
        "with the number of clips time grows as its power 0.76, the images shown as its power 1.00."
    )
