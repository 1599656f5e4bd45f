"""Arithmetic and random numbers that are the same bits on every processor and in every version.

IEEE 754 specifies ``+``, ``-``, ``*``, ``/``, the square root and rounding to the last bit, element
by element. It does not specify exp, sin or powers, which NumPy takes from the processor's vector
instructions, nor the order and the fused steps of sums, in which BLAS and OpenCV differ. So
functions are series of specified steps here, and sums are taken only of numbers so short that
every product and partial sum is exact, in whatever order. Random numbers come from PCG64's words,
whose stream NumPy guarantees, and not from its distributions, whose streams it does not.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any

import numpy as np

from mer_utils.extras import cv2

Array = np.ndarray

_BLOCK = 16384  # elements that stay in the cache over all steps of a series
_PI, _LN2, _LN075 = 3.141592653589793, 0.6931471805599453, -0.2876820724517809
_TAPS = 15  # binary places of a weight of a blur


def _blockwise(function: Callable[..., Array]) -> Callable[..., Any]:
    """Apply a function of float64 block by block; floats give a float, arrays their own type."""

    @wraps(function)
    def whole(*values: Any) -> Any:
        given = [np.asarray(value) for value in values]
        kind = np.float32 if all(v.dtype == np.float32 for v in given) else np.float64
        flat = [v.ravel() for v in np.broadcast_arrays(*given)]
        out = np.empty(flat[0].shape, kind)
        for start in range(0, out.size, _BLOCK):
            part = slice(start, start + _BLOCK)
            out[part] = function(*(v[part].astype(np.float64) for v in flat))
        shape = np.broadcast_shapes(*(v.shape for v in given))
        return out.reshape(shape) if shape else float(out[0])

    return whole


def _series(x: Array, coefficients: Sequence[float]) -> Array:
    """Return the polynomial with these coefficients, the highest first."""
    total = np.full_like(x, coefficients[0])
    for coefficient in coefficients[1:]:
        total *= x
        total += coefficient
    return total


_EXP = [1 / math.factorial(n) for n in range(9, -1, -1)]
_LOG = [2 / n for n in range(11, 0, -2)]
_SIN = [(-1) ** n / math.factorial(2 * n + 1) for n in range(7, -1, -1)]
_ATAN = [(-1) ** n / (2 * n + 1) for n in range(5, -1, -1)]


@_blockwise
def exp(x: Array) -> Array:
    """Return e to the power x, 0 below -80."""
    n = np.rint(x * (1 / _LN2))
    result = np.ldexp(_series(x - n * _LN2, _EXP), n.astype(np.int32))
    result[x < -80] = 0
    return result


def _log(x: Array) -> Array:
    mantissa, exponent = np.frexp(x)
    z = (mantissa - 0.75) / (mantissa + 0.75)
    return (exponent * _LN2 + _LN075) + z * _series(z * z, _LOG)


def power(x: Any, exponent: float) -> Any:
    """Return a positive x to a power; 0 for what is not positive."""

    def raised(x: Array) -> Array:
        positive = x > 0
        log = _log(np.where(positive, x, 1.0))
        return np.where(positive, exp(exponent * log), 0.0)

    return _blockwise(raised)(x)


@_blockwise
def sin(x: Array) -> Array:
    """Return the sine."""
    n = np.rint(x * (1 / _PI))
    r = x - n * _PI
    half = 0.5 * n
    return (1 - 4 * (half - np.floor(half))) * r * _series(r * r, _SIN)


def cos(x: Any) -> Any:
    """Return the cosine."""
    return sin(x + 0.5 * _PI)


@_blockwise
def arctan2(y: Array, x: Array) -> Array:
    """Return the angle of (x, y)."""
    ax, ay = np.abs(x), np.abs(y)
    t = np.minimum(ax, ay) / np.maximum(np.maximum(ax, ay), 1e-300)
    for _ in range(2):  # half the angle, twice
        t = t / (1 + np.sqrt(1 + t * t))
    angle = 4 * t * _series(t * t, _ATAN)
    angle = np.where(ay > ax, 0.5 * _PI - angle, angle)
    angle = np.where(x < 0, _PI - angle, angle)
    return np.where(y < 0, -angle, angle)


def tanh(x: Any) -> Any:
    """Return the hyperbolic tangent."""
    return 1 - 2 / (exp(2 * x) + 1)


def snap(values: Any, bits: int) -> Array:
    """Round to multiples of 2 to the power -`bits`, so that sums of them are exact."""
    found = np.asarray(np.asarray(values, np.float64) * 2.0**bits)
    np.rint(found, out=found)
    found *= 2.0**-bits
    return found


def sample(image: Array, x: Array, y: Array) -> Array:
    """Return a float32 image at points, in whole 32nds of a pixel, beyond its edge as at it.

    The image's values must be 14 bits long: then the ten bits of the weights leave no rounding.
    """
    x, y = (snap(v, 5).astype(np.float32) for v in (x, y))
    return cv2.remap(image, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


def blur(image: Array, sigma: float, energy: bool = False) -> Array:
    """Return a Gaussian blur of an image (h, w) of values below 256, as float64.

    The weights sum to 1, or, with `energy`, their squares do.
    """
    reach = math.ceil(4 * sigma)
    taps = exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
    taps /= math.sqrt(math.fsum(taps * taps)) if energy else math.fsum(taps)
    taps = snap(taps, _TAPS)
    return cv2.sepFilter2D(snap(image, 14), cv2.CV_64F, taps, taps)


def smooth_noise(height: int, width: int, sigma: float, rng: Draw) -> Array:
    """Return smooth noise (height, width) of spread 1, float32; `sigma` in pixels, 0.3 or more."""
    if sigma < 4:
        return blur(rng.normal(size=(height, width)), sigma, energy=True).astype(np.float32)
    # Bumps on a grid as coarse as they allow.
    step = sigma / 2
    sides = []
    for n in (height, width):
        at = (np.arange(int(n / step) + 9) - 4) * step
        bumps = exp(-0.5 * ((np.arange(n)[:, None] - at) / sigma) ** 2)
        sides.append(snap(bumps / math.sqrt(2 * math.sqrt(_PI)), _TAPS))
    rows, columns = sides
    white = rng.normal(size=(rows.shape[1], columns.shape[1]))
    return (rows @ white @ columns.T).astype(np.float32)


class Draw:
    """Random numbers from the words of PCG64; its methods are named as NumPy's.

    Parameters
    ----------
    *key : int
        The seed: the same key gives the same numbers everywhere.
    """

    def __init__(self, *key: int) -> None:
        self._words = np.random.PCG64(np.random.SeedSequence(key)).random_raw

    def random(self, size: int | None = None) -> Any:
        """Return numbers in [0, 1)."""
        if size is None:
            return float((self._words() >> 11) * 2.0**-53)
        return (self._words(size) >> np.uint64(11)) * 2.0**-53

    def uniform(self, low: float = 0.0, high: float = 1.0, size: int | None = None) -> Any:
        """Return numbers in [low, high)."""
        return low + (high - low) * self.random(size)

    def normal(self, mean: float = 0.0, spread: float = 1.0, size: Any = None) -> Any:
        """Return nearly normal numbers, the sum of twelve uniform ones of 16 bits each."""
        words = self._words(3 * math.prod(np.atleast_1d(1 if size is None else size).tolist()))
        total = words.view(np.uint16).reshape(-1, 12).sum(axis=1, dtype=np.int64)
        found = mean + spread * ((total - 6 * 65535) * 2.0**-16)
        return float(found[0]) if size is None else found.reshape(size)

    def integers(self, low: int, high: int | None = None) -> int:
        """Return a whole number from `low` to `high`, without it; from 0 to `low` without one."""
        low, high = (0, low) if high is None else (low, high)
        return low + ((int(self._words()) >> 32) * (high - low) >> 32)

    def choice(self, values: Sequence[Any], weights: Sequence[int] | None = None) -> Any:
        """Return one of some values; `weights` are whole numbers."""
        if weights is None:
            return values[self.integers(len(values))]
        at = self.integers(sum(weights))
        for value, weight in zip(values, weights, strict=True):
            at -= weight
            if at < 0:
                return value
        raise AssertionError

    def permutation(self, values: int | Sequence[Any]) -> Any:
        """Return values, or the numbers below `values`, in random order."""
        number = values if isinstance(values, int) else len(values)
        order = np.argsort(self._words(number), kind="stable")
        return order if isinstance(values, int) else [values[i] for i in order]
