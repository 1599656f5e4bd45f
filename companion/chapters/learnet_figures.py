"""LEARNet, drawn from its layer sizes.

Verma et al., IEEE TIP 2020; layers as in the authors' Keras file. Sizes and parameters in
the drawing are computed here, never typed.
"""

from __future__ import annotations

from dataclasses import dataclass

from mer_utils.errors import MerError
from mer_utils.plotting.markup import Markup, arrow, box, drawing, text
from mer_utils.plotting.style import INK, MUTED

LEVELS = ((1, 16), (3, 32), (5, 64))  # kernel and channels of a column's three convolutions
PLAIN, LATERAL, ADDITION, TRUNK = "#e8f0f8", "#fdeee2", "#b34a00", "#f2f3f5"


@dataclass(frozen=True)
class Layer:
    """One layer: its name, the size of its output and its trainable parameters."""

    name: str
    output: tuple[int, ...]
    parameters: int

    @property
    def size(self) -> str:
        """The output size as it is written, rows x columns x channels."""
        return "×".join(map(str, self.output))


def learnet_layers(n_classes: int = 5, image_size: int = 112) -> dict[str, Layer]:
    """Return LEARNet's layers with output sizes and trainable parameters.

    Parameters
    ----------
    n_classes : int
        Number of classes of the last layer.
    image_size : int
        Height and width of the input in pixels.

    Returns
    -------
    dict of str to Layer
        In order of flow; ``column1.conv1`` is the first convolution of the first column.

    Notes
    -----
    A k x k convolution from a to b channels has (k k a + 1) b parameters, batch
    normalisation of b channels 2 b, a dense layer from a to b (a + 1) b. 'Same' padding
    with stride 2 halves per side, rounded up.

    Examples
    --------
    >>> sum(layer.parameters for layer in learnet_layers(5).values())
    1866053
    """
    if n_classes < 2 or image_size < 16:
        raise MerError(
            "invalid option",
            f"LEARNet with {n_classes} classes at {image_size} px cannot be drawn",
            "at least 2 classes and 16 px",
            "choose larger numbers",
        )
    side = -(-image_size // 2)
    layers = {"stem": Layer("conv 3×3 /2, ReLU", (side, side, 16), (9 * 3 + 1) * 16)}
    for column in range(1, 5):
        channels_in, at = 16, side
        for level, (kernel, channels) in enumerate(LEVELS, start=1):
            at = -(-at // 2)
            layers[f"column{column}.conv{level}"] = Layer(
                f"{kernel}×{kernel} /2",
                (at, at, channels),
                (kernel**2 * channels_in + 1) * channels,
            )
            if column % 2 == 0 and level < 3:
                layers[f"column{column}.norm{level}"] = Layer(
                    "batch norm", (at, at, channels), 2 * channels
                )
            channels_in = channels
    width = 4 * LEVELS[-1][1]
    layers["concat"] = Layer("concatenate, batch norm", (at, at, width), 2 * width)
    at = -(-at // 2)
    layers["conv"] = Layer("conv 3×3 /2, ReLU", (at, at, 256), (9 * width + 1) * 256)
    flat = at * at * 256
    layers["dense"] = Layer("dense, ReLU, dropout 0.5", (256,), (flat + 1) * 256)
    layers["classes"] = Layer("dense, softmax", (n_classes,), 257 * n_classes)
    return layers


def learnet_diagram(
    n_classes: int = 5, image_size: int = 112, element_id: str = "learnet-diagram"
) -> Markup:
    """Draw LEARNet from input to classes, with the lateral additions between its columns.

    Parameters
    ----------
    n_classes : int
        Number of classes of the last layer.
    image_size : int
        Height and width of the input in pixels.
    element_id : str
        Id of the SVG element; one page must not use it twice.

    Notes
    -----
    Columns 2 and 4 add the first two outputs of their left-hand neighbour to their own before
    batch normalisation.
    """
    layers = learnet_layers(n_classes, image_size)
    centres = [62.0, 174.0, 286.0, 398.0]
    tops = [176.0, 302.0, 428.0]  # of the three levels of convolutions
    half, tall = 50.0, 46.0
    parts = _trunk_box(230, 14, "input", f"{image_size}×{image_size}×3")
    parts += [arrow([(230, 60), (230, 80)])]
    parts += _trunk_box(230, 80, layers["stem"].name, layers["stem"].size)
    parts += [arrow([(230, 126), (230, 144), (x, 144), (x, tops[0])]) for x in centres]

    for column, x in enumerate(centres, start=1):
        lateral = column % 2 == 0
        parts.append(text(x + 7, 158, str(column), size=12, anchor="start", fill=MUTED))
        for level, top in enumerate(tops, start=1):
            layer = layers[f"column{column}.conv{level}"]
            fill = LATERAL if lateral else PLAIN
            parts.append(box(x - half, top, 2 * half, tall, fill=fill, css_class="layer"))
            parts.append(text(x, top + 15, layer.name, weight="600"))
            parts.append(text(x, top + 33, layer.size, size=12, fill=MUTED))
            if level == 3:
                parts.append(arrow([(x, top + tall), (x, 502)]))
            elif lateral:
                parts += _addition(x, top + tall, centres[column - 2], tops[level])
            else:
                parts.append(arrow([(x, top + tall), (x, tops[level])]))

    concat, conv = layers["concat"], layers["conv"]
    parts.append(box(12, 502, 436, 34, fill=TRUNK, css_class="layer"))
    parts.append(text(150, 519.5, concat.name, weight="600"))
    parts.append(text(370, 519.5, concat.size, size=12, fill=MUTED))
    parts.append(arrow([(230, 536), (230, 556)]))
    parts += _trunk_box(230, 556, conv.name, conv.size)
    flat = conv.output[0] * conv.output[1] * conv.output[2]
    parts.append(arrow([(230, 602), (230, 632)]))
    parts.append(text(240, 616, f"flatten: {flat:,}", size=12, anchor="start", fill=MUTED))
    parts += _trunk_box(230, 632, layers["dense"].name, layers["dense"].size)
    parts.append(arrow([(230, 678), (230, 698)]))
    parts += _trunk_box(230, 698, layers["classes"].name, f"{n_classes} classes")
    total = sum(layer.parameters for layer in layers.values())
    parts.append(text(230, 764, f"{total:,} trainable parameters", size=13, weight="600"))
    return drawing(
        element_id,
        460,
        784,
        "The layers of LEARNet",
        f"An image of {image_size} by {image_size} pixels passes a stem convolution and then "
        "four parallel columns of three convolutions, 1 by 1, 3 by 3 and 5 by 5, each of "
        "stride 2. Columns 2 and 4 add the first and second output of columns 1 and 3 to "
        "their own and normalise the sum. The four outputs are concatenated, normalised, "
        f"convolved once more, flattened, and pass a dense layer of 256 units to {n_classes} "
        f"classes. {total:,} parameters are trained.",
        parts,
    )


def _trunk_box(x: float, top: float, name: str, size: str) -> list[str]:
    return [
        box(x - 110, top, 220, 46, fill=TRUNK, css_class="layer"),
        text(x, top + 15, name, weight="600"),
        text(x, top + 33, size, size=12, fill=MUTED),
    ]


def _addition(x: float, bottom: float, neighbour: float, next_top: float) -> list[str]:
    """Draw own output and the neighbour's meeting in a sum, then batch normalisation."""
    middle = bottom + 22
    return [
        arrow([(x, bottom), (x, middle - 9)]),
        f'<circle class="junction" cx="{neighbour:g}" cy="{middle:g}" r="3" fill="{ADDITION}"/>',
        arrow([(neighbour, middle), (x - 9, middle)], colour=ADDITION),
        f'<circle class="addition" cx="{x:g}" cy="{middle:g}" r="9" fill="#ffffff" '
        f'stroke="{ADDITION}" stroke-width="1.6"/>',
        text(x, middle, "+", size=15, weight="700", fill=ADDITION),
        arrow([(x, middle + 9), (x, middle + 22)]),
        box(x - 42, middle + 22, 84, 22, fill="#ffffff", stroke=INK, css_class="norm"),
        text(x, middle + 33.5, "batch norm", size=12),
        arrow([(x, middle + 44), (x, next_top)]),
    ]
