"""Style: one look for every figure, the same bytes for the same input.

Colours are fixed by meaning (setting, phase, model) so that a reader learns them once.
Each set keeps its members apart under simulated colour-vision deficiency; a test measures it.
"""

from __future__ import annotations

import base64
import functools
import io
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Literal, ParamSpec, TypeVar

import matplotlib as mpl
import numpy as np
import pandas as pd
from cycler import cycler
from matplotlib import font_manager
from matplotlib.axes import Axes
from matplotlib.colors import to_hex, to_rgb
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.ticker import MaxNLocator
from PIL import Image

from mer_utils.errors import MerError
from mer_utils.plotting.words import dataset_title

# Inches, and points of the smallest words: on a phone 390 px wide they are 11 px high.
WIDTH, SMALL = 4.8, 10.7

INK, MUTED, FAINT, PAPER = "#1f2430", "#5b6270", "#d5d8de", "#ffffff"
# Where a picture is missing.
VOID = "#f2f3f5"

SETTING_COLOURS = {
    "single": "#7a8290",
    "matched single": "#005a9c",
    "dual": "#d55e00",
    "aligned": "#009e73",
}
PHASE_COLOURS = {"full": "#3a3a52", "onset_apex": "#009e73", "apex_offset": "#cc79a7"}
PHASE_TITLES = {"full": "full", "onset_apex": "onset to apex", "apex_offset": "apex to offset"}
MODEL_COLOURS = {
    "vgg19": "#332288",
    "resnet50": "#0077bb",
    "efficientnet_b0": "#3a9e8e",
    "mobilenetv2_100": "#999933",
    "vit_base_patch16_224": "#cc6677",
    "learnet": "#882255",
}
MODEL_MARKERS = dict(zip(MODEL_COLOURS, "sD^vPo", strict=True))
SETTING_MARKERS = dict(zip(SETTING_COLOURS, "osDv", strict=True))
# For names that have no fixed colour (other settings, other groups), in this order.
OTHER_COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#8a6d00", "#3a3a52", "#56b4e9")

FONT = "DejaVu Sans"

RC: Any = {
    "font.family": "sans-serif",
    "font.sans-serif": [FONT],  # ships with matplotlib, so glyphs agree everywhere
    "font.size": 11,
    "axes.titlesize": 11.5,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.titlepad": 8.0,
    "axes.labelsize": 11,
    "axes.labelcolor": INK,
    "axes.edgecolor": MUTED,
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.facecolor": PAPER,
    "axes.prop_cycle": cycler(color=OTHER_COLOURS),
    "figure.facecolor": PAPER,
    "figure.dpi": 160,
    "figure.constrained_layout.use": True,
    "grid.color": FAINT,
    "grid.linewidth": 0.7,
    "legend.frameon": False,
    "legend.fontsize": SMALL,
    "xtick.labelsize": SMALL,
    "ytick.labelsize": SMALL,
    "lines.linewidth": 1.8,
    "lines.markersize": 5.5,
    "text.color": INK,
    "text.parse_math": False,  # names are a user's own: between dollars stands no formula
    "xtick.color": MUTED,
    "xtick.labelcolor": INK,
    "xtick.major.size": 3,
    "ytick.color": MUTED,
    "ytick.labelcolor": INK,
    "ytick.major.size": 3,
    "savefig.facecolor": PAPER,
    "savefig.dpi": 160,
    "svg.hashsalt": "mer_utils",  # ids in SVG files are otherwise random
    "svg.fonttype": "path",
}

# What the neutral colours are on a dark page; the last is the ground of the book's theme.
_NEUTRAL = {INK: "#e6e9ef", MUTED: "#a5adba", FAINT: "#3c434f", PAPER: "#121212"}
_SETS = (SETTING_COLOURS, PHASE_COLOURS, MODEL_COLOURS)
_TURNED = {*_NEUTRAL, VOID, *OTHER_COLOURS, *(c for colours in _SETS for c in colours.values())}
# That of large shapes to their ground, WCAG 2 asks for 3; thin lines need more.
_CONTRAST = 4.5
# So many letters of a label take more than half a figure's width.
_LONG = 20
# The luminance from which on a colour is a ground for words.
_PALE = 0.7
_HEX = re.compile(r": (#[0-9a-f]{6})\b")
_PICTURE = re.compile(r"data:image/png;base64,\s*([A-Za-z0-9+/=\s]+)")

Chance = float | Mapping[str, float] | None
P = ParamSpec("P")
R = TypeVar("R")


class BookFigure(Figure):
    """A matplotlib figure that shows itself in a notebook, without pyplot and its state."""

    def _repr_svg_(self) -> str:
        return themed(to_svg(self))


def styled(draw: Callable[P, R]) -> Callable[P, R]:
    """Run `draw` under the one style, leaving matplotlib's settings as they were."""

    @functools.wraps(draw)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> R:
        require_font()
        with mpl.rc_context(RC):
            return draw(*args, **kwargs)

    return wrapper


@functools.cache
def require_font() -> None:
    """Raise "missing program" if matplotlib lacks the book's font; it would take another."""
    try:
        font_manager.findfont(FONT, fallback_to_default=False)
    except ValueError as error:
        raise MerError(
            "missing program",
            f"the font {FONT} was not found",
            "the fonts that come with matplotlib",
            "reinstall matplotlib with pip, or install the font (Debian: fonts-dejavu-core)"
            " and remove matplotlib's font list, fontlist-*.json in its cache folder",
        ) from error


def new_figure(width: float = WIDTH, height: float = 3.6, photos: bool = False) -> BookFigure:
    """Return an empty figure of `width` by `height` inches; call it inside a styled function.

    With `photos`, panels stand close together.
    """
    pads: dict[str, Any] = dict.fromkeys(("w_pad", "h_pad"), 0.02) if photos else {}
    pads |= dict.fromkeys(("wspace", "hspace"), 0.01) if photos else {}
    return BookFigure(figsize=(width, height), layout=ConstrainedLayoutEngine(**pads))


@styled
def to_png(figure: Figure) -> bytes:
    """Return `figure` as PNG bytes, equal for equal figures (no date, no program name).

    Drawings have few colours: 256 of their own, chosen without dithering, take a third of the
    bytes and cannot be told apart by eye.
    """
    drawn, small = io.BytesIO(), io.BytesIO()
    figure.savefig(drawn, format="png")
    picture = Image.open(drawn).convert("RGB")
    picture.quantize(256, dither=Image.Dither.NONE).save(small, "PNG", optimize=True)
    return small.getvalue()


@styled
def to_svg(figure: Figure) -> str:
    """Return `figure` as SVG text, equal for equal figures (no date, fixed ids)."""
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    return buffer.getvalue()


def in_the_dark(colour: str) -> str:
    """Return what a colour of a drawing becomes on a dark page.

    Ink turns light, pale grounds turn dark, and hues are lifted until they can be told from it.

    Examples
    --------
    >>> in_the_dark(PAPER), in_the_dark("#332288"), in_the_dark("#56b4e9")
    ('#121212', '#857ab8', '#56b4e9')
    """
    if colour in _NEUTRAL:
        return _NEUTRAL[colour]
    start, page = (np.array(to_rgb(c)) for c in (colour, _NEUTRAL[PAPER]))
    if _luminance(start) > _PALE:
        return to_hex(page + 0.16 * (start - page))
    ground = _luminance(page)
    for share in np.linspace(0, 1, 21):
        lifted = start + share * (1 - start)
        if (_luminance(lifted) + 0.05) / (ground + 0.05) >= _CONTRAST:
            break
    return to_hex(lifted)


def _luminance(rgb: np.ndarray) -> float:
    """Return the relative luminance of WCAG 2."""
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


def themed(svg: str) -> str:
    """Return an SVG drawing that is dark on a dark page, with its photographs as JPEG.

    The colours of `RC` and of the fixed sets turn by `in_the_dark`; colours of a scale, and
    pictures, are data and stay. A picture in a page follows the page's ``color-scheme``.
    """
    used = [c for c in dict.fromkeys(_HEX.findall(svg)) if c in _TURNED]
    for colour in used:
        svg = svg.replace(f": {colour}", f": var(--{colour[1:]}, {colour})")
    dark = "".join(f"--{c[1:]}:{in_the_dark(c)};" for c in used)
    style = f"<style>@media (prefers-color-scheme: dark) {{ :root {{ {dark} }} }}</style>"
    return _PICTURE.sub(_smaller, svg.replace("<defs>", f"{style}<defs>", 1))


def _smaller(found: re.Match[str]) -> str:
    """Return an embedded picture as JPEG if that is smaller and shows all of it."""
    content = base64.b64decode(found[1])
    picture, buffer = Image.open(io.BytesIO(content)), io.BytesIO()
    if np.asarray(picture.convert("RGBA"))[..., 3].min() < 255:
        return found[0]
    picture.convert("RGB").save(buffer, "JPEG", quality=90, subsampling=0)
    if buffer.tell() >= len(content):
        return found[0]
    return f"data:image/jpeg;base64,{base64.b64encode(buffer.getvalue()).decode()}"


def colour_of(name: str, fixed: dict[str, str], names: Iterable[str] = ()) -> str:
    """Return the fixed colour of `name`, or one by its place among the unknown `names`."""
    if name in fixed:
        return fixed[name]
    unknown = [other for other in dict.fromkeys(names) if other not in fixed]
    place = unknown.index(name) if name in unknown else 0
    free = [colour for colour in OTHER_COLOURS if colour not in fixed.values()]
    return free[place % len(free)]


def require_columns(frame: pd.DataFrame, columns: Iterable[str], what: str) -> None:
    """Raise "nothing to draw" if `frame` is empty or lacks one of `columns`."""
    missing = [column for column in columns if column not in frame.columns]
    if missing:
        raise MerError(
            "nothing to draw",
            f"{what} has no column {', '.join(missing)}",
            f"columns {', '.join(columns)}",
            "build the frame with these column names",
        )
    if frame.empty:
        raise MerError(
            "nothing to draw",
            f"{what} has no rows",
            "at least one row to draw",
            "compute the results first, or loosen the filter that left nothing",
        )


def dataset_panels(
    figure: Figure, frame: pd.DataFrame, *, down: bool = False, **shared: Any
) -> Iterator[tuple[Axes, str, pd.DataFrame]]:
    """Yield a titled panel for each data set of `frame`, with its name and its rows."""
    names = list(dict.fromkeys(frame["dataset"])) if "dataset" in frame else [""]
    rows, columns = (len(names), 1) if down else (1, len(names))
    grid: np.ndarray = figure.subplots(rows, columns, squeeze=False, **shared)
    for axes, name in zip(grid.flat, names, strict=True):
        title = dataset_title(name)
        # Panels beside each other are narrow.
        axes.set_title(title if down else title.replace(" twin", "\ntwin"))
        yield axes, name, frame[frame["dataset"] == name] if name else frame


def light_grid(axes: Axes, axis: Literal["x", "y", "both"] = "y") -> None:
    """Draw a faint grid along one axis and hide that axis's tick marks."""
    axes.grid(visible=True, axis=axis)
    axes.tick_params(axis=axis, length=0)


def named_rows(axes: Axes, names: Sequence[str], heights: Sequence[float] | None = None) -> None:
    """Name the rows of a panel from the top down, with no vertical axis.

    The names leave panels little width, so numbers below them are few and short. A row is centred
    on its place, from 0, or lies below the ones before it if `heights` are given.
    """
    axes.xaxis.set_major_locator(MaxNLocator(3, steps=[1, 2, 4, 5, 10], min_n_ticks=2))
    axes.xaxis.set_major_formatter("{x:g}")
    ends = np.arange(len(names)) + 0.5 if heights is None else np.cumsum(heights)
    starts = ends - (1 if heights is None else heights)
    axes.set_yticks((starts + ends) / 2, names)
    axes.set_ylim(ends[-1], starts[0])
    axes.grid(visible=True, axis="x")
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)


def no_frame(axes: Axes) -> None:
    """Take ticks' marks and the frame away."""
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)


def legend_above(figure: Figure, columns: int = 2) -> None:
    """Put one legend above all panels, each label once, where it hides no mark."""
    found: dict[str, Any] = {}
    for axes in figure.axes:
        for handle, label in zip(*axes.get_legend_handles_labels(), strict=True):
            found.setdefault(label, handle)
    if "chance" in found:
        found["chance"] = found.pop("chance")
    columns = 1 if max(map(len, found), default=0) > _LONG else columns
    figure.legend(
        found.values(),
        found.keys(),
        loc="outside upper left",
        ncols=min(len(found), columns),
        columnspacing=1.6,
        handletextpad=0.5,
    )


def chance_line(axes: Axes, chance: Chance, dataset: str, along: Literal["x", "y"] = "x") -> None:
    """Draw the score of a predictor that knows nothing as a dotted line, if it is given."""
    level = chance.get(dataset) if isinstance(chance, Mapping) else chance
    if level is not None:
        draw = axes.axvline if along == "x" else axes.axhline
        draw(level, color=INK, linestyle=":", linewidth=1.3, label="chance")
