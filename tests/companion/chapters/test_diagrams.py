"""Diagrams are well-formed, named for screen readers, and draw what they say."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Callable

import pytest
from helpers import raises

from companion.chapters.diagrams import loso_diagram, phases_diagram
from companion.chapters.learnet_figures import learnet_diagram, learnet_layers

SVG = "{http://www.w3.org/2000/svg}"
DRAWINGS: dict[str, Callable[[], str]] = {
    "learnet": learnet_diagram,
    "loso": lambda: loso_diagram(26),
    "phases": phases_diagram,
}


@pytest.mark.parametrize("name", DRAWINGS)
def test_well_formed_named_and_repeatable(name: str) -> None:
    svg = DRAWINGS[name]()
    root = ET.fromstring(svg)
    assert root.tag == f"{SVG}svg"
    assert root.get("role") == "img"
    ids = root.get("aria-labelledby", "").split()
    named = {node.get("id"): node for node in root if node.tag in (f"{SVG}title", f"{SVG}desc")}
    assert sorted(named) == sorted(ids)
    assert all(len(node.text or "") > 10 for node in named.values())
    assert svg == DRAWINGS[name]()
    assert svg._repr_html_() == svg


@pytest.mark.parametrize("name", DRAWINGS)
def test_scales_to_its_column_and_stays_readable(name: str) -> None:
    root = ET.fromstring(DRAWINGS[name]())
    width = float(root.get("viewBox", "").split()[2])
    assert "width:100%" in root.get("style", "")
    assert root.get("width") is None
    smallest = min(float(t.get("font-size", "0")) for t in root.iter(f"{SVG}text"))
    assert smallest * 358 / width > 8.5  # pixels, in a column of a 390 px screen


@pytest.mark.parametrize("name", DRAWINGS)
def test_nothing_leaves_the_card(name: str) -> None:
    root = ET.fromstring(DRAWINGS[name]())
    _, _, width, height = map(float, root.get("viewBox", "").split())
    for box in root.iter(f"{SVG}rect"):
        x, y = float(box.get("x", 0)), float(box.get("y", 0))
        assert 0 <= x <= x + float(box.get("width", 0)) <= width
        assert 0 <= y <= y + float(box.get("height", 0)) <= height


@pytest.mark.parametrize(("n_classes", "parameters"), [(5, 1_866_053), (8, 1_866_824)])
def test_learnet_counts_the_published_parameters(n_classes: int, parameters: int) -> None:
    layers = learnet_layers(n_classes)
    assert sum(layer.parameters for layer in layers.values()) == parameters
    assert f"{parameters:,} trainable parameters" in learnet_diagram(n_classes)
    assert layers["conv"].output == (4, 4, 256)


def test_learnet_draws_every_layer_and_addition() -> None:
    root = ET.fromstring(learnet_diagram())
    classes = [node.get("class") for node in root.iter()]
    assert classes.count("layer") == 12 + 6  # columns, and input, stem, concat, conv, two dense
    assert classes.count("addition") == 4
    assert classes.count("norm") == 4


@pytest.mark.parametrize("n", [2, 5, 7, 8, 26])
def test_loso_tests_each_shown_subject_once(n: int) -> None:
    root = ET.fromstring(loso_diagram(n))
    classes = [node.get("class") for node in root.iter(f"{SVG}rect")]
    shown = n if n <= 7 else 5
    assert classes.count("test") == shown
    assert classes.count("train") == shown * (shown - 1)
    tests = [b for b in root.iter(f"{SVG}rect") if b.get("class") == "test"]
    assert len({b.get("x") for b in tests}) == len({b.get("y") for b in tests}) == shown


def test_phases_share_the_apex() -> None:
    root = ET.fromstring(phases_diagram(10, 40, 90))
    bars = [b for b in root.iter(f"{SVG}rect") if b.get("class") == "phase"]
    (x0, w0), (x1, w1), (x2, w2) = [(float(b.get("x")), float(b.get("width"))) for b in bars]
    assert x0 == x1
    assert x1 + w1 == pytest.approx(x2, abs=0.2)
    assert x2 + w2 == pytest.approx(x0 + w0, abs=0.2)
    words = " ".join(t.text or "" for t in root.iter(f"{SVG}text"))
    assert "full: 81 frames" in words
    assert "onset to apex: 31 frames" in words
    assert "apex to offset: 51 frames" in words


@pytest.mark.parametrize(
    "draw",
    [
        lambda: loso_diagram(1),
        lambda: loso_diagram(3, ["a"]),
        lambda: phases_diagram(5, 3, 9),
        lambda: phases_diagram(5, 5, 5),
        lambda: learnet_diagram(1),
    ],
)
def test_impossible_input_is_named(draw: Callable[[], str]) -> None:
    with raises("invalid option"):
        draw()


def test_names_are_escaped() -> None:
    ET.fromstring(loso_diagram(3, ["a<b", "c&d", '"e"']))
