"""Colours stay apart for everybody, and equal figures are equal bytes."""

from __future__ import annotations

import re
from itertools import combinations

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from helpers import raises
from skimage.color import deltaE_ciede2000, rgb2lab

from mer_utils.plotting import (
    BookFigure,
    ported_vs_right,
    to_png,
    to_svg,
    variants_figure,
    weights_figure,
)
from mer_utils.plotting.dynamic_images import KIND_COLOURS
from mer_utils.plotting.style import (
    MODEL_COLOURS,
    MODEL_MARKERS,
    PHASE_COLOURS,
    SETTING_COLOURS,
    colour_of,
    font_manager,
    in_the_dark,
    require_font,
)

# Machado, Oliveira and Fernandes (2009), full severity, on linear RGB.
VISION = {
    name: np.array(numbers.split(), float).reshape(3, 3)
    for name, numbers in {
        "normal": "1 0 0  0 1 0  0 0 1",
        "protanopia": "0.152286 1.052583 -0.204868  0.114503 0.786281 0.099216"
        "  -0.003882 -0.048116 1.051998",
        "deuteranopia": "0.367322 0.860646 -0.227968  0.280085 0.672501 0.047413"
        "  -0.011820 0.042940 0.968881",
        "tritanopia": "1.255528 -0.076749 -0.178779  -0.078411 0.930809 0.147602"
        "  0.004733 0.691367 0.303900",
    }.items()
}
PALETTES = {
    "setting": SETTING_COLOURS, "phase": PHASE_COLOURS, "model": MODEL_COLOURS, "kind": KIND_COLOURS
}  # fmt: skip


def linear(colour: str) -> np.ndarray:
    rgb = np.array(mpl.colors.to_rgb(colour))
    return np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)


def seen(colour: str, vision: np.ndarray) -> np.ndarray:
    rgb = np.clip(vision @ linear(colour), 0, 1)
    encoded = np.where(rgb <= 0.0031308, rgb * 12.92, 1.055 * rgb ** (1 / 2.4) - 0.055)
    return rgb2lab(encoded[None, None])[0, 0]


@pytest.mark.parametrize("vision", VISION)
@pytest.mark.parametrize("palette", PALETTES)
def test_colours_stay_apart(palette: str, vision: str) -> None:
    labs = {name: seen(c, VISION[vision]) for name, c in PALETTES[palette].items()}
    nearest = min(deltaE_ciede2000(a, b).item() for a, b in combinations(labs.values(), 2))
    assert nearest > 10  # 1 is barely visible side by side


@pytest.mark.parametrize("palette", PALETTES)
def test_colours_show_on_white(palette: str) -> None:
    for colour in PALETTES[palette].values():
        luminance = linear(colour) @ [0.2126, 0.7152, 0.0722]
        # Pink apex-offset areas always carry an outline or a label of their own.
        assert 1.05 / (luminance + 0.05) > (2.9 if palette != "phase" else 2.7)


def test_models_have_six_colours_and_shapes() -> None:
    assert len(set(MODEL_COLOURS.values())) == len(set(MODEL_MARKERS.values())) == 6


def test_unknown_names_get_colours_of_their_own() -> None:
    names = ["single", "one", "two"]
    colours = [colour_of(name, SETTING_COLOURS, names) for name in names]
    assert len(set(colours)) == 3
    assert colours[0] == SETTING_COLOURS["single"]


def test_same_bytes_twice_and_settings_left_alone() -> None:
    before = dict(mpl.rcParams)
    weights = {"bilen": np.array([-1.0, 0.25, 0.75])}
    svgs, pngs = zip(
        *[(to_svg(f), to_png(f)) for f in map(weights_figure, [weights] * 2)], strict=True
    )
    assert svgs[0] == svgs[1]
    assert pngs[0] == pngs[1]
    assert "dc:date" not in svgs[0]
    assert dict(mpl.rcParams) == before


def test_a_figure_is_dark_on_a_dark_page() -> None:
    # Drawn anew for each: to draw one twice may move its layout.
    figures = [weights_figure({"bilen": np.array([-1.0, 1.0])}) for _ in range(2)]
    assert isinstance(figures[1], BookFigure)
    light, svg = to_svg(figures[0]), figures[1]._repr_svg_()
    assert "prefers-color-scheme: dark" not in light
    assert "prefers-color-scheme: dark" in svg
    # On a light page every colour is what it was.
    back = re.sub(r"var\(--\w+, (#\w+)\)", r"\1", re.sub(r"<style>@media.*?</style>", "", svg))
    assert back == light


@pytest.mark.parametrize("palette", PALETTES)
def test_colours_show_on_a_dark_page(palette: str) -> None:
    paper = linear(in_the_dark("#ffffff")) @ [0.2126, 0.7152, 0.0722]
    for colour in PALETTES[palette].values():
        luminance = linear(in_the_dark(colour)) @ [0.2126, 0.7152, 0.0722]
        assert (luminance + 0.05) / (paper + 0.05) >= 4.4


def test_photographs_are_jpeg_the_same_each_time(rng: np.random.Generator) -> None:
    photo = rng.integers(0, 256, (400, 400, 3), dtype=np.uint8)
    row = {"title": "a", "mean_frame": photo, "right": photo, "ported": None}
    svgs = [ported_vs_right([row])._repr_svg_() for _ in range(2)]
    assert "data:image/jpeg" in svgs[0]
    assert svgs[0] == svgs[1]


def test_a_missing_font_is_said_and_not_replaced_in_silence(monkeypatch):
    manager = font_manager.FontManager()
    manager.ttflist = [font for font in manager.ttflist if font.name != "DejaVu Sans"]
    monkeypatch.setattr(font_manager, "findfont", manager.findfont)
    require_font.cache_clear()
    try:
        with raises("missing program", "DejaVu Sans"):
            weights_figure()
    finally:
        require_font.cache_clear()


@pytest.mark.scenario("J")
def test_names_between_dollars_are_no_formula() -> None:
    names = ["pay $5$", "$\\foo$"]
    frame = pd.DataFrame(
        {"dataset": "a$x_1$", "model": "learnet", "setting": names, "metric": "uar_pooled"}
    ).assign(value=0.3, low=0.2, high=0.4)
    drawn = variants_figure(frame)._repr_svg_()
    for name in (*names, "a$x_1$"):
        assert f"<!-- {name} -->" in drawn
