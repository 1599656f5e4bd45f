"""Style: one look for every figure, the same bytes for the same input.

Colours are fixed by meaning (setting, phase, model) so that a reader learns them once.
Each set keeps its members apart under simulated colour-vision deficiency; a test measures it.
"""

from __future__ import annotations

import functools
import io
import re
from collections.abc import Callable, Iterable
from typing import Any, Literal, ParamSpec, TypeVar

import matplotlib as mpl
import pandas as pd
from cycler import cycler
from matplotlib import font_manager
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from PIL import Image

from mer_utils.errors import MerError

# Inches. Narrow, so that the words stay readable when a phone shrinks the picture.
WIDTH = 6.2

INK, MUTED, FAINT, PAPER = "#1f2430", "#5b6270", "#d5d8de", "#ffffff"

SETTING_COLOURS = {"single": "#7a8290", "matched single": "#005a9c", "dual": "#d55e00"}
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
SETTING_MARKERS = dict(zip(SETTING_COLOURS, "osD", strict=True))
# For names that have no fixed colour (other settings, other groups), in this order.
OTHER_COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#8a6d00", "#3a3a52", "#56b4e9")

DATASET_TITLES = {
    "casme2": "CASME II",
    "samm": "SAMM",
    "smic": "SMIC-HS",
    "megc2019": "MEGC2019 composite",
}
MODEL_TITLES = {
    "vgg19": "VGG19",
    "resnet50": "ResNet50",
    "efficientnet_b0": "EfficientNet-B0",
    "mobilenetv2_100": "MobileNetV2",
    "vit_base_patch16_224": "ViT-B/16",
    "learnet": "LEARNet",
    "svm_hog": "linear SVM on HOG",
    "svm_pixels": "linear SVM on pixels",
    "constant": "most frequent class",
}
METRIC_TITLES = {
    "accuracy": "pooled accuracy",
    "accuracy_pooled": "pooled accuracy",
    "uf1": "pooled UF1",
    "uf1_pooled": "pooled UF1",
    "uar": "pooled UAR",
    "uar_pooled": "pooled UAR",
}

FONT = "DejaVu Sans"

RC: Any = {
    "font.family": "sans-serif",
    "font.sans-serif": [FONT],  # ships with matplotlib, so glyphs agree everywhere
    "font.size": 9.5,
    "axes.titlesize": 10.5,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.titlepad": 8.0,
    "axes.labelsize": 9.5,
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
    "legend.fontsize": 9,
    "lines.linewidth": 1.8,
    "lines.markersize": 5.5,
    "text.color": INK,
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

P = ParamSpec("P")
R = TypeVar("R")


class BookFigure(Figure):
    """A matplotlib figure that shows itself in a notebook, without pyplot and its state."""

    def _repr_png_(self) -> bytes | None:
        return to_png(self)


class PhotoFigure(BookFigure):
    """A figure made of photographs: shown as JPEG, a fifth of the bytes of a PNG."""

    def _repr_png_(self) -> None:
        return None

    def _repr_jpeg_(self) -> bytes:
        return to_jpeg(self)


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
    """Raise if matplotlib lacks the book's font; it would draw with another one in silence.

    Raises
    ------
    MerError
        With the remedy. Some distributions remove the fonts that matplotlib ships.
    """
    try:
        font_manager.findfont(FONT, fallback_to_default=False)
    except ValueError as error:
        raise MerError(
            "TODO",
            f"the font {FONT} was not found",
            "the fonts that come with matplotlib",
            "reinstall matplotlib with pip, or install the font (Debian: fonts-dejavu-core)"
            " and remove matplotlib's font list, fontlist-*.json in its cache folder",
        ) from error


def new_figure(width: float = WIDTH, height: float = 3.6, photos: bool = False) -> BookFigure:
    """Return an empty figure of `width` by `height` inches; call it inside a styled function.

    With `photos`, panels stand close together and the figure shows itself as JPEG.
    """
    pads: dict[str, Any] = dict.fromkeys(("w_pad", "h_pad"), 0.02) if photos else {}
    pads |= dict.fromkeys(("wspace", "hspace"), 0.01) if photos else {}
    return (PhotoFigure if photos else BookFigure)(
        figsize=(width, height), layout=ConstrainedLayoutEngine(**pads)
    )


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
def to_jpeg(figure: Figure) -> bytes:
    """Return `figure` as JPEG bytes, for pictures of frames; equal for equal figures."""
    buffer = io.BytesIO()
    options = {"quality": 90, "subsampling": 0, "optimize": True}
    figure.savefig(buffer, format="jpeg", pil_kwargs=options)
    return buffer.getvalue()


@styled
def to_svg(figure: Figure) -> str:
    """Return `figure` as SVG text, equal for equal figures (no date, fixed ids)."""
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    return buffer.getvalue()


def colour_of(name: str, fixed: dict[str, str], names: Iterable[str] = ()) -> str:
    """Return the fixed colour of `name`, or one by its place among the unknown `names`."""
    if name in fixed:
        return fixed[name]
    unknown = [other for other in dict.fromkeys(names) if other not in fixed]
    place = unknown.index(name) if name in unknown else 0
    free = [colour for colour in OTHER_COLOURS if colour not in fixed.values()]
    return free[place % len(free)]


def in_order(found: Iterable[str], order: Iterable[str]) -> list[str]:
    """Return the distinct names `found`, known ones in `order`, the rest as they come.

    Examples
    --------
    >>> in_order(["dual", "other", "single"], ["single", "dual"])
    ['single', 'dual', 'other']
    """
    distinct = list(dict.fromkeys(found))
    known = [name for name in order if name in distinct]
    return known + [name for name in distinct if name not in known]


def title_of(name: str, titles: dict[str, str]) -> str:
    """Return how `name` is written for a reader.

    Examples
    --------
    >>> title_of("casme2", DATASET_TITLES), title_of("matched_single", {})
    ('CASME II', 'matched single')
    >>> title_of("manifest:my_flow", DATASET_TITLES)
    'manifest my_flow'
    >>> title_of("casme2@difference=0.5,noise=2", DATASET_TITLES)
    'CASME II twin, difference 0.5, noise 2'
    """
    base, variant, made = name.partition("@")
    if variant:
        return f"{title_of(base, titles)} twin, {made.replace('=', ' ').replace(',', ', ')}"
    # A manifest's name is its file's and is left as it is.
    if name.startswith("manifest:"):
        return name.replace(":", " ", 1)
    return titles.get(name, name.replace("_", " "))


def table_of(name: str) -> str:
    """Return how a table's name is written for a reader.

    Examples
    --------
    >>> table_of("table2"), table_of("phase_difference")
    ('Table 2', 'phase difference')
    """
    return re.sub(r"^table(?=\d)", "Table ", name).replace("_", " ")


def require_columns(frame: pd.DataFrame, columns: Iterable[str], what: str) -> None:
    """Raise if `frame` is empty or lacks one of `columns`."""
    missing = [column for column in columns if column not in frame.columns]
    if missing:
        raise MerError(
            "TODO",
            f"{what} has no column {', '.join(missing)}",
            f"columns {', '.join(columns)}",
            "build the frame with these column names",
        )
    if frame.empty:
        raise MerError(
            "TODO",
            f"{what} has no rows",
            "at least one row to draw",
            "compute the results first, or loosen the filter that left nothing",
        )


def light_grid(axes: Axes, axis: Literal["x", "y", "both"] = "y") -> None:
    """Draw a faint grid along one axis and hide that axis's tick marks."""
    axes.grid(visible=True, axis=axis)
    axes.tick_params(axis=axis, length=0)
