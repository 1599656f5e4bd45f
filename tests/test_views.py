"""Views: one decode gives every phase; the cache is trusted only when it is whole."""

from __future__ import annotations

import errno
import os

import cv2
import numpy as np
import pandas as pd
import pytest
from helpers import raises, registered
from hypothesis import given
from hypothesis import strategies as st
from sklearn.base import clone

from mer_utils import datasets, phases, synthetic, views
from mer_utils import dynamic_image as di
from mer_utils.frames import SPOTTERS, CropOptions, Spotter, read_frames
from mer_utils.protocol import Fold
from mer_utils.views import Perturbation, Source, ViewOptions, cache, clip_views, load, prepare
from mer_utils.views.cache import cache_key
from mer_utils.views.estimator import PhaseDynamicImages

SMALL = ViewOptions(image_size=16)


def made_clip(rng, t=9, size=(24, 32), channels=3):
    return rng.integers(0, 256, (t, *size, channels), dtype=np.uint8)


@pytest.fixture
def clips(tmp_path, rng) -> pd.DataFrame:
    """Three clips on disk: a whole one, one without an apex, one whose apex is the offset."""
    rows = []
    for name, apex in (("EP01", 4), ("EP02", None), ("EP03", 6)):
        folder = tmp_path / name
        folder.mkdir()
        for number, frame in enumerate(made_clip(rng, 6), start=1):
            cv2.imwrite(str(folder / f"img{number}.png"), frame)
        rows.append((name, 1, apex, 6, str(folder)))
    table = pd.DataFrame(rows, columns=["clip", "onset", "apex", "offset", "frames_dir"])
    table = table.astype({"apex": "Int64"}).assign(dataset="casme2", subject="sub01")
    return table.assign(label=pd.Categorical(["a", "b", "a"]))


@pytest.fixture
def make(clips, tmp_path):
    def make(options=SMALL, fingerprint="f", **more):
        return load(Source(clips, fingerprint), options, cache=tmp_path / "cache", **more)

    return make


def test_frames_that_change_while_views_are_made_leave_no_views(clips, tmp_path):
    def made(now):
        return load(Source(clips, "before", {}, lambda: now), SMALL, cache=tmp_path / "cache")

    with raises("other data"):
        made("after")
    assert not list((tmp_path / "cache").glob("*.present.npy"))
    assert made("before").present["full"].all()


def test_a_cache_that_cannot_be_read_is_an_error(make, monkeypatch):
    make()

    def refuses(*_, **__):
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    monkeypatch.setattr(np, "load", refuses)
    with raises("cannot read", "Too many open files", "ulimit"):
        make()


def there(made):
    """Which of the three phases each clip has."""
    return np.stack([made.present[p] for p in phases.PHASES], axis=1).tolist()


def content(made):
    return {v: (made.images[v].tobytes(), made.present[v].tolist()) for v in made.images}


def test_a_fold_gets_images_with_the_classes_of_their_clips(make):
    made = make(views=tuple(phases.VIEWS))
    fold = Fold("sub02", np.array([0, 1]), np.array([2]))
    images, labels = made.training_set(fold, "aligned")
    assert labels.tolist() == [0, 1] * 3
    assert (images[4] == made.images["offset_apex"][0]).all()
    assert (images[[1, 3, 5]] == made.images["full"][1]).all()  # it has no apex
    assert made.training_set(fold, ("full", "full"))[1].tolist() == [0, 1, 0, 1]
    shown, tested = made.test_set(fold)
    assert (shown == made.images["full"][[2]]).all()
    assert tested.tolist() == [0]
    assert made.test_set(fold, "apex_offset")[1].tolist() == []
    with raises("unknown name"):
        make().training_set(fold, "aligned")


def test_views_are_the_dynamic_images_made_here_in_two_steps(rng):
    frames = made_clip(rng)
    made = clip_views(frames, 4, SMALL)
    assert list(made) == list(phases.PHASES)
    for phase, part in phases.phase_slices(9, 4).items():
        image = di.dynamic_image(frames[part])
        small = cv2.resize(image, (16, 16), interpolation=cv2.INTER_AREA)
        expected = di.to_uint8(small, "minmax").astype(int)
        # Rounding to bytes may fall to either side where the order of sums differs.
        assert np.abs(made[phase].astype(int) - expected).max() <= 1


def test_resizing_the_dynamic_image_is_pooling_resized_frames(rng):
    frames = made_clip(rng)
    small = np.stack(
        [cv2.resize(f.astype(np.float64), (16, 16), interpolation=cv2.INTER_AREA) for f in frames]
    )
    weights = di.rank_pooling_weights(len(frames))
    pooled = np.einsum("t,thwc->hwc", weights, small)
    resized = cv2.resize(di.dynamic_image(frames), (16, 16), interpolation=cv2.INTER_AREA)
    np.testing.assert_allclose(resized, pooled, atol=1e-4 * np.ptp(pooled))


def test_grey_clips_give_three_equal_channels(rng):
    made = clip_views(made_clip(rng, channels=1), 4, SMALL)
    for view in made.values():
        assert view.shape == (16, 16, 3)
        assert (view == view[:, :, :1]).all()


def test_a_clip_without_a_phase_keeps_the_others(make):
    made = make()
    assert there(made) == [[True] * 3, [True, False, False], [True, True, False]]
    images, having = made.of("apex_offset", np.array([0, 1, 2]))
    assert having.tolist() == [0]
    assert images.shape == (1, 16, 16, 3)
    assert (made.images["apex_offset"][1:] == 0).all()
    assert made.of("full", np.array([2, 0]))[1].tolist() == [2, 0]


def test_fewer_frames_keep_the_apex(rng):
    """Frames alike but for the apex: were it left out, every phase would be still."""
    frames = np.repeat(made_clip(rng, 1), 30, axis=0)
    frames[13] = 255 - frames[13]
    made = clip_views(frames, 13, SMALL.model_copy(update={"frames": 4}))
    assert set(made) == set(phases.PHASES)
    assert all(np.ptp(view) > 0 for view in made.values())
    few = clip_views(frames[[0, 13, 29]], 1, SMALL)
    chosen = clip_views(frames, 13, SMALL.model_copy(update={"frames": 2}))
    assert all((few[phase] == chosen[phase]).all() for phase in phases.PHASES)


@pytest.mark.parametrize("emotion", ["surprise", "disgust", "happiness"])
@pytest.mark.parametrize("scaling", di.SCALINGS)
def test_a_mirrored_fall_in_reverse_time_is_the_rise(emotion, scaling):
    """Phase difference 0, equal durations, no noise: the aligned fall shows nothing new."""
    clip = synthetic.make_clip(
        "casme2", emotion, n_frames=(12, 12), frame_size=(84, 102), phase_difference=0, noise=0
    )
    options = ViewOptions(image_size=48, scaling=scaling)
    made = clip_views(clip.frames, clip.apex, options, views=tuple(phases.VIEWS))
    rise, aligned, fall = (
        made[view].astype(int) for view in ("onset_apex", "offset_apex", "apex_offset")
    )
    assert np.ptp(rise) > 100
    assert np.abs(rise - aligned).max() <= 1
    assert np.abs(rise - fall).max() > 100


def test_views_that_draw_their_ends_depend_on_the_clip_and_the_seed(rng):
    frames, views = made_clip(rng, 40), ("full", "jittered_1", "jittered_2")

    def made(seed, key):
        options = SMALL.model_copy(update={"perturbation": Perturbation(seed=seed)})
        return {v: i.tobytes() for v, i in clip_views(frames, 9, options, key, views).items()}

    assert made(0, "b") == made(0, "b")
    assert len({made(0, "b")[view] for view in views}) == 3
    drawn = [made(seed, key)["jittered_1"] for seed in (0, 1) for key in "ab"]
    assert len(set(drawn)) == 4
    assert made(1, "b")["full"] == made(0, "a")["full"]


def test_a_cut_at_the_midpoint_halves_a_clip_that_has_an_apex():
    half = Perturbation(cut="midpoint")
    assert [half.apply(n, 1, "k").apex for n in (2, 3, 8, 9)] == [0, 1, 3, 4]
    assert half.apply(9, None, "k").apex is None


@pytest.fixture
def spotter():
    """A method by which the apex is the brightest frame but for the first and the last."""
    with registered(SPOTTERS, Spotter("bright", lambda frames: frames.mean(axis=(1, 2)), "1")):
        yield "spotted:bright:1"


def test_a_spotted_apex_makes_the_views_of_an_annotated_one(rng, spotter):
    frames = made_clip(rng)
    frames[5] = 250
    given, once = clip_views(frames, 5, SMALL), iter(frames)
    halves = SMALL.model_copy(update={"perturbation": Perturbation(cut="midpoint")})
    wanted = {SMALL: phases.PHASES, halves: phases.PHASES}
    found = views.images.views_of_frames(once, 9, None, wanted, spotted=spotter)
    assert {v: image.tobytes() for v, image in found[SMALL].items()} == {
        v: image.tobytes() for v, image in given.items()
    }
    middle = clip_views(frames, 4, SMALL)
    assert found[halves]["onset_apex"].tobytes() == middle["onset_apex"].tobytes()
    assert next(once, None) is None


def test_a_cut_at_a_spotted_apex_moves_an_annotated_one_and_no_other(rng, spotter):
    frames = made_clip(rng)
    frames[5] = 250
    cut = SMALL.model_copy(update={"perturbation": Perturbation(cut="spotted:bright")})
    assert cut.perturbation.cut == spotter
    found, expected = clip_views(frames, 2, cut), clip_views(frames, 5, SMALL)
    assert {v: i.tobytes() for v, i in found.items()} == {
        v: i.tobytes() for v, i in expected.items()
    }
    assert set(clip_views(frames, None, cut)) == {"full"}
    with raises("unknown name", "'middle'", "midpoint", "spotted"):
        Perturbation(cut="middle")


def test_what_cannot_be_spotted_is_said_with_the_clip(clips, tmp_path):
    clips["apex_source"] = ["annotated", "spotted:none:1", "annotated"]
    with registered(SPOTTERS, Spotter("none", lambda frames: np.full(len(frames), np.nan), "1")):
        made = load(Source(clips, "f"), SMALL, cache=tmp_path / "cache")
    (note,) = [n for n in made.notes if n.clip == "casme2 sub01 EP02"]
    assert "set halfway" in note.said
    assert made.present["onset_apex"].tolist() == [True, True, True]


def test_the_difference_of_two_frames_is_another_source(rng):
    frames = made_clip(rng)
    made = clip_views(frames, 4, SMALL.model_copy(update={"source": "apex_difference"}))
    pooled = clip_views(frames, 4, SMALL)
    assert set(made) == set(pooled)
    assert (made["full"] != pooled["full"]).any()


def test_the_cache_is_a_memory_map_read_without_decoding(make, monkeypatch):
    first = make()
    monkeypatch.setattr(cache, "read_frames", lambda *_: pytest.fail("decoded again"))
    again = make()
    assert all(isinstance(images, np.memmap) for images in again.images.values())
    assert not any(images.flags.writeable for images in again.images.values())
    assert content(again) == content(first)


def test_the_number_of_workers_changes_no_byte(make):
    one = make(fingerprint="one")
    three = make(fingerprint="three", workers=3)
    assert content(one) == content(three)


@pytest.mark.scenario("A")
def test_two_threads_crop_raw_frames_as_one_does(tmp_path):
    small = {"subjects": 3, "clips_per_subject": 2, "layout": "raw", "frame_size": (408, 218)}
    data = datasets.Samm(
        synthetic.write("samm", tmp_path / "twin", **small), crop=CropOptions(size=96)
    )
    source = Source(data.clips(), "f", dict(data.crops))
    one, *more = (
        content(load(source, SMALL, cache=tmp_path / str(turn), workers=workers))
        for turn, workers in enumerate((1, 2, 3))
    )
    assert all(other == one for other in more)


def stop_moving(tmp_path, clip, numbers):
    first = (tmp_path / clip / f"img{numbers[0]}.png").read_bytes()
    for number in numbers:
        (tmp_path / clip / f"img{number}.png").write_bytes(first)


def noted(made):
    """Return what was noted, but for the clips that have no apex to begin with."""
    return [note for note in made.notes if not note.said.startswith("no view")]


@pytest.mark.scenario("F")
def test_clips_that_lack_a_view_are_named_as_they_train_with_another(make):
    said = "no view onset_apex: in training the full image takes its place"
    for made in (make(), make()):  # made now, then read from the cache
        lacking = [clip for clip, words in made.notes if words == said]
        assert lacking == [
            f"casme2 sub01 EP0{n + 1}" for n in np.flatnonzero(~made.present["onset_apex"])
        ]
        assert lacking


@pytest.mark.scenario("D")
def test_a_changed_list_of_which_clip_has_a_view_is_made_anew(make, tmp_path):
    before = there(make())
    for file in (tmp_path / "cache").glob("*.present.npy"):
        np.save(file, ~np.load(file))
    assert there(make()) == before


@pytest.mark.scenario("K")
def test_a_phase_in_which_nothing_moves_is_no_view_and_that_is_noted(make, tmp_path):
    stop_moving(tmp_path, "EP01", [4, 5, 6])
    for made in (make(), make()):  # made now, then read from the cache
        assert there(made)[0] == [True, True, False]
        said = "nothing moves in apex_offset, which is left out"
        assert noted(made) == [("casme2 sub01 EP01", said)]
    assert there(make(ViewOptions(image_size=16, kind="ported")))[0] == [True] * 3


@pytest.mark.scenario("K")
def test_clips_without_motion_are_all_named_not_shown_as_grey(make, tmp_path):
    for clip in ("EP01", "EP03"):
        stop_moving(tmp_path, clip, range(1, 7))
    with raises("no motion", "2 clip(s): casme2 sub01 EP01, casme2 sub01 EP03"):
        make(workers=2)
    assert not list((tmp_path / "cache").iterdir())
    still = np.full((4, 8, 8, 1), 7, np.uint8)
    with raises("no motion"):
        clip_views(still, 2, SMALL.model_copy(update={"kind": "ported"}))


@pytest.mark.scenario("A")
@pytest.mark.parametrize("odd", [np.zeros((16, 16, 3), np.uint16), np.zeros((16, 16), np.uint8)])
def test_a_view_that_is_not_what_the_file_promises_is_not_written(make, monkeypatch, tmp_path, odd):
    monkeypatch.setattr("mer_utils.views.images._as_view", lambda image, options: odd)
    with raises("bad frames", "EP01", odd.dtype):
        make()
    assert not list((tmp_path / "cache").iterdir())


@pytest.mark.scenario("F")
def test_one_picture_of_two_subjects_is_refused_whatever_its_encoding(tmp_path, rng):
    rows = []
    for n, subject in enumerate("aabb"):
        cv2.imwrite(str(tmp_path / f"{n}.png"), rng.integers(0, 255, (32, 32, 3), dtype=np.uint8))
        rows.append([subject, n, ("glad", "sad")[n % 2], f"{n}.png"])
    cv2.imwrite(str(tmp_path / "3.bmp"), cv2.imread(str(tmp_path / "0.png")))
    rows[3][3] = "3.bmp"
    table = tmp_path / "table.csv"
    pd.DataFrame(rows, columns=["subject", "clip", "label", "image"]).to_csv(table, index=False)
    source = Source(datasets.Manifest(table).clips(), "data")
    with raises("same picture twice", "a 0", "b 3"):
        load(source, SMALL, cache=tmp_path / "cache", views=["full"])
    assert not any((tmp_path / "cache").glob("*.npy"))


@pytest.mark.scenario("A")
def test_pictures_of_sixteen_bits_give_the_views_of_eight_and_that_is_noted(make, clips, tmp_path):
    eight = make()
    for path in (tmp_path / "EP02").iterdir():
        deep = cv2.imread(str(path), cv2.IMREAD_UNCHANGED).astype(np.uint16) * 257
        cv2.imwrite(str(path), deep)
    sixteen = make(fingerprint="deep")
    assert content(sixteen) == content(eight)
    assert noted(sixteen) == [("casme2 sub01 EP02", "16 bits per channel are divided by 257")]
    given = clips.assign(images=[{"full": str(tmp_path / c / "img3.png")} for c in clips["clip"]])
    made = load(Source(given, "g"), SMALL, cache=tmp_path / "cache", views=["full"])
    assert noted(made) == noted(sixteen)


def other_options() -> list[ViewOptions]:
    changes = {"source": "apex_difference", "kind": "linear", "scaling": "symmetric",
               "image_size": 24, "frames": 3, "perturbation": Perturbation(trim=1)}  # fmt: skip
    assert set(changes) == set(ViewOptions.model_fields)
    return [SMALL.model_copy(update={name: value}) for name, value in changes.items()]


def test_every_option_the_data_and_the_code_have_a_cache_of_their_own(monkeypatch):
    source = Source(pd.DataFrame(), "f")
    cropped = Source(pd.DataFrame(), "f", {"casme2": CropOptions()})
    keys = [cache_key(source, options, "full") for options in [SMALL, *other_options()]]
    keys.append(cache_key(source, SMALL, "offset_apex"))
    keys.append(cache_key(Source(pd.DataFrame(), "g"), SMALL, "full"))
    keys.append(cache_key(cropped, SMALL, "full"))
    monkeypatch.setattr(cache, "VIEWS_VERSION", cache.VIEWS_VERSION + 1)
    keys.append(cache_key(source, SMALL, "full"))
    assert len(set(keys)) == len(keys)


@pytest.mark.scenario("D")
@pytest.mark.parametrize(
    "damage",
    ["no second file", "images cut", "images zeroed", "one bit", "present cut", "other shape",
     "[]", "3", '{"notes": []}', '{"notes": [["a"]]}'],
)  # fmt: skip
def test_a_cache_that_is_not_whole_is_made_anew(make, tmp_path, damage):
    whole = content(make(views=("onset_apex",)))
    (images,) = (tmp_path / "cache").glob("*.images.npy")
    (present,) = (tmp_path / "cache").glob("*.present.npy")
    if damage == "no second file":
        present.unlink()
        images.write_bytes(b"half")
    elif damage == "images cut":
        images.write_bytes(images.read_bytes()[:-100])
    elif damage == "images zeroed":
        images.write_bytes(images.read_bytes()[:128].ljust(images.stat().st_size, b"\0"))
    elif damage == "one bit":
        data = images.read_bytes()
        images.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    elif damage == "present cut":
        present.write_bytes(b"")
    elif damage != "other shape":
        present.with_name(present.name.replace("present.npy", "notes.json")).write_text(damage)
    else:
        np.save(images, np.zeros((1, 16, 16, 3), np.uint8))
    assert content(make(views=("onset_apex",))) == whole


def test_a_clip_that_cannot_be_read_leaves_no_cache(make, clips, tmp_path):
    (tmp_path / "EP03" / "img3.png").write_bytes(b"")
    with raises("undecodable frame", "img3.png"):
        make()
    assert not list((tmp_path / "cache").iterdir())


def test_progress_wraps_the_clips(make):
    seen = []
    make(progress=lambda iterator, n: seen.append(n) or iterator)
    assert seen == [3]


def test_many_options_decode_each_clip_once_and_equal_one_by_one(clips, tmp_path, monkeypatch):
    decoded = []
    read = cache.read_frames
    monkeypatch.setattr(cache, "read_frames", lambda *a: decoded.append(a[0]) or read(*a))
    source, wanted = Source(clips, "f"), dict.fromkeys(other_options(), tuple(phases.VIEWS))
    together, alone = tmp_path / "together", tmp_path / "alone"
    for _ in range(2):
        prepare(source, wanted, cache=together)
        assert len(decoded) == len(clips)
    for o in wanted:
        one = load(source, o, cache=alone)
        both = load(source, o, cache=together)
        assert content(one) == content(both)
    assert len(decoded) == len(clips) * (1 + len(wanted))


def test_a_clip_without_an_apex_has_no_difference_of_frames_but_is_not_faceless(make):
    made = make(ViewOptions(image_size=16, source="apex_difference"))
    assert there(made) == [[True] * 3, [False] * 3, [True, True, False]]


KEYS = st.text(min_size=1, max_size=12)


@given(st.integers(2, 60), st.data(), KEYS)
def test_a_moved_annotation_stays_inside_the_clip(n, data, key):
    apex = data.draw(st.one_of(st.none(), st.integers(0, n - 1)))
    shift, trim = data.draw(st.integers(0, 20)), data.draw(st.integers(0, 20))
    cut = data.draw(st.sampled_from(["apex", "random"]))
    moved = Perturbation(apex_shift=shift, trim=trim, cut=cut)
    span = moved.apply(n, apex, key)
    assert span == moved.apply(n, apex, key)
    assert 0 <= span.start < span.stop <= n
    assert span.stop - span.start >= 2
    assert span.start == min(trim, (n - 2) // 2)
    assert (span.apex is None) == (apex is None)
    if apex is not None:
        assert 0 <= span.apex < span.stop - span.start
        if cut == "apex" and not trim:
            assert abs(span.apex - apex) <= shift
    if cut == "random" and apex is not None and n > 2 and not shift and not trim:
        assert 0 < span.apex < n - 1


def test_no_perturbation_is_the_annotation_itself():
    assert Perturbation().apply(9, 4, "any") == (0, 9, 4)


def test_shifts_and_cuts_are_drawn_evenly():
    shifts = [Perturbation(apex_shift=2).apply(21, 10, str(k)).apex - 10 for k in range(2000)]
    cuts = [Perturbation(cut="random").apply(7, 1, str(k)).apex for k in range(2000)]
    for drawn, expected in ((shifts, range(-2, 3)), (cuts, range(1, 6))):
        counts = np.array([drawn.count(value) for value in expected])
        assert counts.sum() == 2000
        # Five values, 400 each; 5 standard deviations of a binomial count.
        assert (abs(counts - 400) < 5 * np.sqrt(2000 * 0.2 * 0.8)).all()


def test_a_data_set_gives_its_views_in_one_line(twins, tmp_path):
    data = datasets.Casme2(twins / "casme2-smoke")
    made = views.make(data, image_size=16, cache=tmp_path)
    assert set(made.images) == set(phases.VIEWS)
    row = data.clips().iloc[0]
    clip = datasets.clip_frames(row)
    frames = np.stack(list(read_frames(clip.paths)))
    key = "|".join(row[["dataset", "subject", "clip"]])
    alone = clip_views(frames, clip.apex, SMALL, key, tuple(made.images))
    assert all((made.images[view][0] == image).all() for view, image in alone.items())
    assert made.labels.tolist() == data.clips()["label"].cat.codes.tolist()
    again = views.make(data, image_size=16, cache=tmp_path, scaling="symmetric")
    assert (again.images["full"] != made.images["full"]).any()


def test_a_pipeline_takes_rows_of_the_clip_table(clips):
    pixels = PhaseDynamicImages("full", image_size=16).fit_transform(clips)
    assert pixels.shape == (3, 16 * 16 * 3)
    assert pixels.min() >= 0
    assert pixels.max() == 1
    clone(PhaseDynamicImages("onset_apex", scaling="symmetric"))
    with raises("degenerate phase", "EP02"):
        PhaseDynamicImages("onset_apex").transform(clips)
