"""Spatial augmentation: random flips and small rotations of training batches.

Batched on the model's device, on views that are already there; never used at test time.

torch is imported where it is used: it takes seconds, and the names of the settings are wanted on
every page of the book, which trains nothing.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, TypeAlias

from mer_utils.errors import MerError
from mer_utils.registry import unknown

if TYPE_CHECKING:
    from collections.abc import Callable

    import torch

#: From a batch (b, c, h, w) and a number in 0..1 for each image, (b,), to the transformed batch.
#: On a GPU it is recorded once and replayed, so what it does may depend on these numbers alone.
Transformation: TypeAlias = "Callable[[torch.Tensor, torch.Tensor], torch.Tensor]"

FLIP_PROBABILITY = 0.5
MAX_ROTATION_DEGREES = 10.0
#: The channels of an image, in order.
COLOURS = ("red", "green", "blue")


def draw(setting: str, n: int, generator: torch.Generator) -> torch.Tensor:
    """Draw the random numbers of a batch of `n` images: uniform in 0..1, (transformations, n).

    The generator is one on the CPU: the same numbers are drawn whatever device computes.

    Raises
    ------
    MerError
        ``unknown name``, if `setting` is no key of `SPATIAL`.
    """
    import torch

    return torch.rand(len(_transformations(setting)), n, generator=generator)


def spatial(
    images: torch.Tensor,
    setting: str,
    numbers: torch.Tensor,
    grey: torch.Tensor | float = 0.0,
) -> torch.Tensor:
    """Transform each image of a batch by its random numbers.

    Parameters
    ----------
    images : tensor of shape (b, c, h, w), float
        Zero is what rotation brings in at the corners, so scale the images first.
    setting : str
        A key of `SPATIAL`.
    numbers : tensor of shape (transformations, b)
        From `draw`, on the images' device.
    grey : tensor of shape (1, c, 1, 1), or float
        What mid-grey is in the images, the zero of channels that change sign.

    Returns
    -------
    tensor of shape (b, c, h, w)

    Raises
    ------
    MerError
        ``invalid option``, if a transformation returns something else.
    """
    wanted = _what(images)
    signed = setting in SIGNED
    images = images - grey if signed else images
    for transformation, each in zip(_transformations(setting), numbers, strict=True):
        images = transformation(images, each)
        if _what(images) != wanted:
            name = getattr(transformation, "__name__", repr(transformation))
            raise MerError(
                "invalid option",
                f"{name} of the spatial augmentation {setting!r} returns {_what(images)}",
                f"as many images of the same kind and size as it was given, {wanted}",
                f"mend {name}",
            )
    return images + grey if signed else images


def require_numbers(
    images: torch.Tensor, setting: str, numbers: torch.Tensor, grey: torch.Tensor | float = 0.0
) -> None:
    """Raise ``invalid option`` if `spatial` makes images that are no numbers, given some that are.

    A network sees them without a word; it takes time to ask, so only a loss that is none does.
    """
    if not bool(spatial(images, setting, numbers, grey).isfinite().all()):
        raise MerError(
            "invalid option",
            f"the spatial augmentation {setting!r} returns NaN or infinity",
            "finite images",
            "mend its functions: they divide by zero or overflow, most often",
        )


def _what(images: object) -> str:
    import torch

    if not isinstance(images, torch.Tensor):
        return type(images).__name__
    return f"{images.dtype} of shape {tuple(images.shape)} on {images.device}"


def _transformations(setting: str) -> tuple[Transformation, ...]:
    if setting not in SPATIAL:
        raise unknown("spatial augmentation", setting, SPATIAL)
    return SPATIAL[setting]


def flip(images: torch.Tensor, numbers: torch.Tensor) -> torch.Tensor:
    """Mirror each image left to right with probability `FLIP_PROBABILITY`."""
    import torch

    chosen = numbers < FLIP_PROBABILITY
    return torch.where(chosen[:, None, None, None], images.flip(-1), images)


def signed_flip(channel: int) -> Transformation:
    """Return a `flip` for images of optical flow, which negates one channel where it mirrors.

    A face that is mirrored moves to the right where it moved to the left, so the horizontal
    component of its flow changes sign about its zero, which must be mid-grey. In a rotated or
    otherwise mirrored flow a network would see motion that no face makes.
    """

    def negating_flip(images: torch.Tensor, numbers: torch.Tensor) -> torch.Tensor:
        import torch

        signs = images.new_ones(images.shape[1])
        signs[channel] = -1
        chosen = numbers < FLIP_PROBABILITY
        mirrored = images.flip(-1) * signs[:, None, None]
        return torch.where(chosen[:, None, None, None], mirrored, images)

    return negating_flip


def rotation(images: torch.Tensor, numbers: torch.Tensor) -> torch.Tensor:
    """Turn each image about its centre by up to `MAX_ROTATION_DEGREES` either way."""
    limit = math.radians(MAX_ROTATION_DEGREES)
    return rotate(images, (2 * numbers - 1) * limit)


def rotate(images: torch.Tensor, angles: torch.Tensor) -> torch.Tensor:
    """Turn image i about its centre by ``angles[i]`` radians, bilinearly.

    Parameters
    ----------
    images : tensor of shape (b, c, h, w), float
    angles : tensor of shape (b,)
        Positive turns the content anticlockwise, as seen with row 0 at the top.

    Returns
    -------
    tensor of shape (b, c, h, w)
        Pixels from outside the image are 0.
    """
    import torch
    from torch.nn import functional

    height, width = images.shape[-2:]
    cos, sin = (f.to(images)[:, None] for f in (angles.cos(), angles.sin()))
    # Centres of pixels, in coordinates that run from -1 to 1 over the image on both axes: one
    # that is not square needs its sides' ratio to turn without shearing.
    x, y = (
        torch.arange(1 - n, n, 2, dtype=images.dtype, device=images.device) / n
        for n in (width, height)
    )
    grid = torch.stack(
        [
            (cos * x)[:, None, :] - (sin * y * height / width)[:, :, None],
            (sin * x * width / height)[:, None, :] + (cos * y)[:, :, None],
        ],
        dim=-1,
    )
    return functional.grid_sample(images, grid, align_corners=False, padding_mode="zeros")


#: The name of a setting and the transformations it holds, in the order they are applied.
#: The key of a run with one that is not here holds a digest of its code, see `own_parts`.
SPATIAL: dict[str, tuple[Transformation, ...]] = {
    "none": (),
    "flip": (flip,),
    "rotation": (rotation,),
    "flip+rotation": (flip, rotation),
}

#: The settings for images of optical flow, by the colour that holds the horizontal component. They
#: are in `SPATIAL`, and see images whose mid-grey is 0.
SIGNED = {f"flip-{colour}": (signed_flip(channel),) for channel, colour in enumerate(COLOURS)}
SPATIAL |= SIGNED
_LIBRARYS = dict(SPATIAL)


def own_parts(setting: str) -> tuple[Transformation, ...]:
    """Return the transformations of a setting that is not the library's own; of those, nothing.

    Examples
    --------
    >>> own_parts("flip")
    ()
    """
    found = _transformations(setting)
    return () if found is _LIBRARYS.get(setting) else found
