"""Face crops: levelled eyes, one box per clip, motion neither added nor lost."""

from __future__ import annotations

import inspect
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import cv2
import numpy as np
import pandas as pd
import pydantic
import pytest
import skimage.data
from helpers import raises

from mer_utils import datasets, frames, synthetic
from mer_utils.dynamic_image import dynamic_image, rank_pooling_weights
from mer_utils.frames import (
    CropOptions,
    Face,
    crop,
    crop_clip,
    face_box,
    find_face,
    get_detector,
)
from mer_utils.frames.face import DETECTORS
from mer_utils.frames.layout import frame_files
from mer_utils.synthetic.identity import draw_identity

LEVEL = Face(box=(20, 30, 84, 94), eyes=((38, 50), (66, 50)))


def dots_frame(left, right, shape=(300, 400)):
    """A dark frame with a red and a blue soft dot for eyes."""
    y, x = np.mgrid[: shape[0], : shape[1]]
    spread = 2 * (np.hypot(*np.subtract(right, left)) / 14) ** 2
    image = np.zeros((*shape, 3))
    for channel, (cx, cy) in ((0, left), (2, right)):
        image[..., channel] = 255 * np.exp(-((x - cx) ** 2 + (y - cy) ** 2) / spread)
    return image.round().astype(np.uint8)


def dots_detector(image):
    """Find the two dots by their centroids: a detector without error of its own."""
    y, x = np.mgrid[: image.shape[0], : image.shape[1]]
    eyes = []
    for channel in (0, 2):
        weight = image[..., channel].astype(float)
        if weight.sum() < 255:
            return []
        eyes.append((float((weight * x).sum() / weight.sum()), (weight * y).sum() / weight.sum()))
    middle, d = np.mean(eyes, axis=0), float(np.hypot(*np.subtract(*eyes)))
    box = (middle[0] - d, middle[1] - d, middle[0] + d, middle[1] + 2 * d)
    return [Face(box, tuple(sorted(eyes)), 0.9)]


@pytest.fixture
def dots(monkeypatch):
    monkeypatch.setitem(DETECTORS, "dots", lambda: dots_detector)
    return CropOptions(margin=0.2, size=64, detector="dots")


def drawn_face(dataset, angle, scale, shift):
    """A drawn face somewhere in a larger frame, and where its eyes truly are."""
    made = synthetic.make_clip(dataset, subject_seed=2, n_frames=(1, 1), frame_size=(280, 340))
    face = made.frames[0][..., ::-1]  # made clips are blue, green, red
    who = draw_identity(np.random.default_rng(np.random.SeedSequence((3, 7))))
    centre = np.array([139.5, 169.5])
    eyes = centre + 140 * np.array([[-who.eye_x, who.eye_y], [who.eye_x, who.eye_y]])
    move = cv2.getRotationMatrix2D(tuple(centre), angle, scale)
    move[:, 2] += np.array([320, 240]) + shift - centre
    border = {"borderMode": cv2.BORDER_CONSTANT, "borderValue": (120, 110, 100)}
    frame = cv2.warpAffine(np.ascontiguousarray(face), move, (640, 480), **border)
    return frame.reshape(480, 640, -1), eyes @ move[:, :2].T + move[:, 2]


# The transform.


def test_a_level_face_at_scale_one_is_a_plain_slice(rng):
    clip = rng.integers(0, 256, (4, 120, 110, 3), dtype=np.uint8)
    face = Face(box=(20.5, 30.5, 84.5, 94.5), eyes=((38, 50), (66, 50)))
    cut = crop(clip, face, margin=0, size=64)
    np.testing.assert_array_equal(cut, clip[:, 31:95, 21:85])


@pytest.mark.parametrize("tilt", [-30, -3, 0, 17])
def test_eyes_come_out_level_and_the_box_fills_the_crop(tilt):
    angle = np.deg2rad(tilt)
    middle, half = np.array([52, 50]), 14 * np.array([np.cos(angle), np.sin(angle)])
    face = Face(LEVEL.box, (tuple(middle - half), tuple(middle + half)))
    assert face.tilt == pytest.approx(tilt)
    transform = face_box(face, margin=0.25, size=96)
    left, right = (transform @ (*eye, 1) for eye in face.eyes)
    assert left[1] == pytest.approx(right[1])
    # The box of 64 pixels and a quarter of it on each side fill 96 pixels: scale 1.
    assert right[0] - left[0] == pytest.approx(28)
    np.testing.assert_allclose(transform @ (52, 62, 1), (47.5, 47.5))


def test_outside_the_frame_is_black_and_grey_stays_one_channel():
    grey = np.full((2, 60, 60), 200, np.uint8)
    cut = crop(grey, LEVEL, margin=1, size=48)
    assert cut.shape == (2, 48, 48, 1)
    assert cut.max() == 200
    assert cut[0, -1].max() == 0


@pytest.mark.parametrize("factor", [2, 4])
def test_shrinking_takes_the_mean_of_the_pixels_it_covers(rng, factor):
    clip = rng.integers(0, 256, (2, 128, 128, 3), dtype=np.uint8)
    whole = Face((-0.5, -0.5, 127.5, 127.5), ((40, 50), (90, 50)))
    size = 128 // factor
    means = clip.reshape(2, size, factor, size, factor, 3).mean(axis=(2, 4))
    assert np.abs(crop(clip, whole, margin=0, size=size) - means).max() <= 0.5


# Motion.


@pytest.mark.parametrize("channels", [1, 3])
def test_a_still_clip_stays_exactly_still(rng, channels):
    still = np.repeat(rng.integers(0, 256, (1, 90, 120, channels), dtype=np.uint8), 9, axis=0)
    tilted = Face((18.3, 11.2, 92.9, 80.1), ((40.2, 35.5), (71.9, 44.1)))
    cut = crop(still, tilted, margin=0.1, size=40)
    assert cut.std() > 5
    assert not dynamic_image(cut).any()


def test_cropping_and_pooling_commute(rng):
    noise = rng.integers(0, 256, (6, 90, 120, 1), dtype=np.uint8)
    clip = np.stack([cv2.GaussianBlur(f, (0, 0), 3)[..., None] for f in noise])
    tilted = Face((18.3, 11.2, 92.9, 80.1), ((40.2, 35.5), (71.9, 44.1)))
    size = 100
    pooled_last = dynamic_image(crop(clip, tilted, margin=0.1, size=size))[..., 0]
    transform = face_box(tilted, margin=0.1, size=size)
    # A second way: pool first, then look each crop pixel up in the DI, in floating point.
    back = cv2.invertAffineTransform(transform)
    x, y = np.meshgrid(np.arange(size), np.arange(size))
    at = np.einsum("ij,jhw->ihw", back, np.stack([x, y, np.ones_like(x)]))
    pooled_first = cv2.remap(
        dynamic_image(clip)[..., 0], *at.astype(np.float32), interpolation=cv2.INTER_LINEAR
    )
    # Each frame is rounded to whole grey levels (and sampled at 1/32 pixel).
    inside = (at[0] > 1) & (at[0] < 118) & (at[1] > 1) & (at[1] < 88)
    bound = np.abs(rank_pooling_weights(6)).sum()
    difference = np.abs(pooled_last - pooled_first)[inside]
    assert difference.max() <= bound
    assert np.abs(pooled_first[inside]).max() > 4 * bound


def test_a_moving_dot_moves_by_the_one_transform():
    path = [(45.0, 60.0), (47.5, 60.0), (51.0, 63.0)]
    clip = np.stack([dots_frame(p, (80, 30), (120, 120)) for p in path])
    cut = crop(clip, LEVEL, margin=0.25, size=192)
    transform = face_box(LEVEL, margin=0.25, size=192)
    y, x = np.mgrid[:192, :192]
    for frame, point in zip(cut, path, strict=True):
        weight = frame[..., 0].astype(float)
        found = (weight * x).sum() / weight.sum(), (weight * y).sum() / weight.sum()
        np.testing.assert_allclose(found, transform @ (*point, 1), atol=0.15)


def test_only_the_onset_frame_is_looked_at(dots):
    face, nothing = dots_frame((180, 140), (225, 150)), np.zeros((300, 400, 3), np.uint8)
    moved = dots_frame((190, 140), (235, 150))
    cut = crop_clip(np.stack([face, moved, nothing]), dots)
    alone = crop([moved], find_face(face, dots_detector), margin=0.2, size=64)
    np.testing.assert_array_equal(cut[1], alone[0])
    with raises("no face", "EP01_01f"):
        crop_clip(np.stack([nothing, face]), dots, "EP01_01f")


# Finding.


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ((180, 140), (225, 150)),
        ((100, 200), (130, 178)),
        ((30, 40), (60, 40)),
        ((90, 90), (230, 120)),
    ],
)
def test_a_detector_without_error_is_passed_through_without_error(left, right):
    face = find_face(dots_frame(left, right), dots_detector)
    np.testing.assert_allclose(face.eyes, (left, right), atol=0.25)
    d = np.hypot(*np.subtract(right, left))
    np.testing.assert_allclose(face.box[2] - face.box[0], 2 * d, rtol=0.01)
    # The box hangs half an eye distance below the eyes, along the face's own axis.
    down = np.array([left[1] - right[1], right[0] - left[0]]) / 2
    middle = ((face.box[0] + face.box[2]) / 2, (face.box[1] + face.box[3]) / 2)
    np.testing.assert_allclose(middle, np.mean([left, right], axis=0) + down, atol=0.02 * d + 0.25)


@pytest.mark.parametrize(
    ("dataset", "angle", "scale", "shift"),
    [
        ("casme2", 0, 1.0, (0, 0)),
        ("casme2", -15, 0.5, (120, -60)),
        ("samm", 12, 1.3, (-40, 20)),
    ],
)
def test_centerface_levels_drawn_faces(dataset, angle, scale, shift):
    frame, eyes = drawn_face(dataset, angle, scale, shift)
    face = find_face(frame)
    transform = face_box(face, margin=0.1, size=224)
    left, right = (transform @ (*eye, 1) for eye in eyes)
    assert abs(right[1] - left[1]) < 2
    # Upright, centred, and about a third of the crop apart.
    assert abs((left[0] + right[0]) / 2 - 111.5) < 8
    assert 55 < right[0] - left[0] < 100
    assert 60 < left[1] < 110
    assert face_box(find_face(frame), margin=0.1, size=224).tolist() == transform.tolist()


def test_centerface_follows_the_turn_of_a_photographed_face():
    photo = skimage.data.astronaut()
    turn = cv2.getRotationMatrix2D((225, 120), 17, 1)
    upright, turned = find_face(photo), find_face(cv2.warpAffine(photo, turn, (512, 512)))
    assert turned.tilt == pytest.approx(upright.tilt - 17, abs=1.5)
    eyes = np.column_stack([upright.eyes, np.ones(2)]) @ turn.T
    np.testing.assert_allclose(turned.eyes, eyes, atol=3)


def test_a_frame_without_a_face_gives_none():
    assert find_face(skimage.data.brick()) is None


def one_dot(x, y, d, certainty=0.9):
    return Face((x - d, y - d, x + d, y + d), ((x - d / 3, y), (x + d / 3, y)), certainty)


@pytest.mark.scenario("K")
def test_of_several_faces_the_one_nearest_the_middle_is_meant_and_the_others_are_counted():
    """At 512 pixels and with the rim: a loud one at the left, the one meant, a small one."""
    seen = [one_dot(150, 250, 120), one_dot(400, 256, 80), one_dot(330, 250, 20)]

    def detect(image):
        return seen if image.shape[1] > 600 else []

    face = find_face(np.zeros((384, 512, 3), np.uint8), detect)
    assert (face.box[0] + face.box[2]) / 2 == pytest.approx(400 - 64)
    assert face.others == 2
    seen[:] = seen[:1]
    assert find_face(np.zeros((384, 512, 3), np.uint8), detect).others == 0


@pytest.mark.scenario("K")
def test_a_larger_drawn_face_in_the_background_is_not_cropped_to():
    frame, eyes = drawn_face("casme2", 0, 0.6, (40, 0))
    frame = np.broadcast_to(frame, (480, 640, 3)).copy()
    loud, _ = drawn_face("casme2", 0, 1.0, (0, 0))
    frame[60:420, :240] = np.broadcast_to(loud, (480, 640, 3))[60:420, 200:440]
    face, largest = find_face(frame), find_face(frame[:, :240])
    assert largest.area > face.area
    np.testing.assert_allclose(face.eyes, eyes, atol=6)
    assert face.others == 1
    said = set()
    crop_clip(np.stack([frame, frame]), CropOptions(), said=said)
    assert said == {frames.several(face)}


@pytest.mark.scenario("A")
def test_no_two_threads_share_a_detector(monkeypatch):
    made = []
    monkeypatch.setitem(DETECTORS, "counted", lambda: made.append(object()) or made[-1])
    with ThreadPoolExecutor(2) as pool:
        both = Barrier(2)
        asked = [pool.submit(lambda: (both.wait(), get_detector("counted"))[1]) for _ in "ab"]
        first, second = (job.result() for job in asked)
    assert first is not second
    assert get_detector("counted") not in (first, second)
    assert get_detector("counted") is made[-1]


# A table of clips.


@pytest.fixture
def table(tmp_path):
    """Two subjects' clips: sub1 a has a face, sub1 b and sub2 c have none."""
    rows = []
    for subject, clip in (("sub1", "a"), ("sub1", "b"), ("sub2", "c")):
        folder = tmp_path / clip
        folder.mkdir()
        for number in (5, 6, 7):
            image = dots_frame((150 + number, 100), (190 + number, 108)) * (clip == "a")
            cv2.imwrite(str(folder / f"img{number}.png"), image[..., ::-1])
        row = {"dataset": "made", "subject": subject, "clip": clip, "frames_dir": str(folder)}
        rows.append({**row, "onset": 5, "apex": 6, "offset": 7})
    return pd.DataFrame(rows)


def test_clips_without_a_face_are_listed_not_used(table, dots):
    assert datasets.without_face(table, dots)["clip"].tolist() == ["b", "c"]
    shown = datasets.crops_of(table, [("made", dots)])
    assert [(one.subject, one.clip, one.image is None) for one in shown] == [
        ("sub1", "a", False),
        ("sub2", "c", True),
    ]
    assert shown[0].image.shape == (64, 64, 3)
    folder = table["frames_dir"][2]
    with raises("no face", folder):
        frames.read_cropped(list(frame_files(folder).values()), dots)


def test_a_face_is_searched_for_once_and_kept(table, dots, tmp_path, monkeypatch):
    looked = []

    def find(frame, detector):
        looked.append(frame)
        return find_face(frame, detector)

    monkeypatch.setattr("mer_utils.frames.known_faces.find_face", find)
    paths = [next(iter(frame_files(folder).values())) for folder in table["frames_dir"]]
    fresh = [frames.face_on(path, "dots") for path in paths]
    assert [face is None for face in fresh] == [False, True, True]
    frames.remember(tmp_path)
    kept = [frames.face_on(path, "dots") for path in paths * 2]
    # Two of the frames are empty and the same, and that is known of them too.
    assert len(looked) == 3 + 2
    assert kept == fresh * 2
    assert frames.face_on(paths[0], "centerface") is None  # another detector, another search
    assert len(looked) == 3 + 3
    for file in (tmp_path / "faces").iterdir():
        file.write_text('{"box": 1}')
    assert [frames.face_on(path, "dots") for path in paths] == fresh
    assert len(looked) == 3 + 3 + 2


def test_a_detector_of_ones_own_is_named_by_its_module(tmp_path, monkeypatch):
    code = "import numpy as np\n\nfrom mer_utils.frames import Face\n\n\n"
    make = "\n\ndef dots():\n    return dots_detector\n"
    own = code + inspect.getsource(dots_detector) + make
    (tmp_path / "own_detector.py").write_text(own)
    monkeypatch.syspath_prepend(tmp_path)
    options = CropOptions(detector="own_detector.dots")
    frame = dots_frame((150, 100), (190, 108))
    assert find_face(frame, options.detector) == find_face(frame, dots_detector)
    with raises("unknown name", "os.getcwd", "which finds nothing"):
        find_face(frame, "os.getcwd")
    with raises("unknown name", "os.path.join"):
        find_face(frame, "os.path.join")
    with raises("unknown name", "own_detector.nobody"):
        find_face(np.zeros((50, 50, 3), np.uint8), "own_detector.nobody")
    with raises("unknown name", "no_such_module.make"):
        find_face(np.zeros((50, 50, 3), np.uint8), "no_such_module.make")


def test_reading_cropped_is_reading_then_cropping(table, dots):
    paths = list(frame_files(table["frames_dir"][0]).values())
    cut = frames.read_cropped(paths, dots)
    np.testing.assert_array_equal(cut, crop_clip(frames.read_clip(paths), dots))


def test_frames_of_other_sizes_are_refused(table, dots):
    paths = list(frame_files(table["frames_dir"][0]).values())
    cv2.imwrite(str(paths[2]), np.zeros((20, 30, 3), np.uint8))
    with raises("bad frames", "img7.png", "(20, 30, 3)"):
        frames.read_cropped(paths, dots)


def test_options_are_checked():
    with pytest.raises(pydantic.ValidationError, match="nobody"):
        CropOptions(detector="nobody")
    with pytest.raises(pydantic.ValidationError):
        CropOptions(margin=-0.1)
    with raises("unknown name", "nobody"):
        find_face(np.zeros((50, 50, 3), np.uint8), "nobody")


def test_a_raw_twin_is_cropped_from_its_own_table(tmp_path):
    root = synthetic.write(
        "casme2",
        tmp_path / "twin",
        subjects=1,
        clips_per_subject=1,
        layout="raw",
        frame_size=(320, 240),
    )
    clips = datasets.Casme2(root).clips()
    options = CropOptions(size=96)
    assert datasets.without_face(clips, options).empty
    found = datasets.Casme2(root, crop=options).check(decode=True)
    assert {"no face", "several faces"}.isdisjoint(problem.kind for problem in found)
    shown = datasets.crops_of(clips, [("casme2", options)])
    assert [one.subject for one in shown] == sorted(set(clips["subject"]))
    assert all(one.image.shape == (96, 96, 3) for one in shown)
