"""The interactive figures: their arithmetic under Node, their HTML as text."""

from __future__ import annotations

import base64
import json
import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest
from helpers import raises

from mer_utils import plotting
from mer_utils.dynamic_image import KINDS, dynamic_image, phase_weights, to_uint8
from mer_utils.plotting import phase_viewer, results_explorer

ROOM = Path(plotting.__file__).parent
NODE = shutil.which("node")
NOISE = np.random.default_rng(0).integers(0, 255, (600, 112, 112, 3), np.uint8)  # too heavy
needs_node = pytest.mark.skipif(NODE is None, reason="Node.js is not installed")


def in_node(script: str, body: str, given: object) -> object:
    """Run `body` with the script's exports as ``api`` and the given value as ``given``."""
    program = (
        f"const api = require({json.dumps(str(ROOM / script))});"
        "const given = JSON.parse(require('fs').readFileSync(0, 'utf8'));"
        f"process.stdout.write(JSON.stringify((() => {{ {body} }})()));"
    )
    done = subprocess.run(
        [str(NODE), "-e", program],
        input=json.dumps(given),
        text=True,
        capture_output=True,
        check=True,
    )
    return json.loads(done.stdout)


@needs_node
@pytest.mark.parametrize("kind", KINDS)
def test_script_weights_equal_ours(kind: str) -> None:
    sizes = [2, 3, 17, 67, 141]
    theirs = in_node(
        "phase_viewer.js",
        "return [false, true].map((backward) => given.n.map("
        "(n) => Array.from(api.weights(n, given.kind, backward))));",
        {"n": sizes, "kind": kind},
    )
    for n, forward, backward in zip(sizes, *theirs, strict=True):
        ours = phase_weights(n, 0, kind, ("apex_offset", "offset_apex"))
        np.testing.assert_allclose(forward, ours["apex_offset"], atol=1e-10)
        np.testing.assert_allclose(backward, ours["offset_apex"], atol=1e-10)


@needs_node
def test_script_dynamic_image_equals_ours(moving_clip: np.ndarray) -> None:
    for first, last in ((0, 11), (0, 5), (5, 11)):
        part = moving_clip[first : last + 1]
        values, grey = in_node(
            "phase_viewer.js",
            "const w = api.weights(given.n, 'bilen'), di = api.pool(given.frames, given.first, w);"
            "return [Array.from(di), Array.from(api.toUint8(di, api.largest(di)))];",
            {"frames": moving_clip.reshape(12, -1).tolist(), "first": first, "n": len(part)},
        )
        di = dynamic_image(part)
        np.testing.assert_allclose(values, di.ravel(), atol=1e-2, rtol=1e-5)
        ours = to_uint8(di, mode="symmetric").ravel().astype(int)
        assert np.abs(np.array(grey) - ours).max() <= 1  # halves are rounded differently


@needs_node
def test_a_still_clip_is_mid_grey_in_the_script() -> None:
    grey = in_node(
        "phase_viewer.js",
        "const di = api.pool(given, 0, api.weights(5, 'bilen'));"
        "return Array.from(api.toUint8(di, Math.max(api.largest(di), 1)));",
        [[7, 200, 31]] * 5,
    )
    assert grey == [128, 128, 128]


@needs_node
def test_script_filters_and_axis() -> None:
    rows = [{"model": m, "setting": s} for m in "ab" for s in "xyz"]
    kept = in_node(
        "results_explorer.js", "return api.select(given, {model: 'a', setting: ''});", rows
    )
    assert kept == rows[:3]
    axis = in_node("results_explorer.js", "return api.axis(given);", [{"low": 0.31, "high": 0.74}])
    assert axis["low"] <= 0.31 < 0.74 <= axis["high"]
    np.testing.assert_allclose(np.diff(axis["ticks"]), axis["ticks"][1] - axis["ticks"][0])
    assert axis["ticks"][0] == pytest.approx(axis["low"])
    assert axis["ticks"][-1] == pytest.approx(axis["high"])


class Outline(HTMLParser):
    """Collects ids, label targets, outside addresses and unclosed elements."""

    VOID = frozenset({"input", "img", "br", "meta", "link", "hr"})

    def __init__(self) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.targets: list[str] = []
        self.fetched: list[str] = []
        self.open: list[str] = []
        self.selects: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        if tag not in self.VOID:
            self.open.append(tag)
        if found.get("id"):
            self.ids.append(str(found["id"]))
        if tag == "label":
            self.targets.append(str(found["for"]))
        if tag == "select":
            self.selects.append(str(found.get("data-filter")))
        for name in ("src", "srcset", "href"):
            if found.get(name) and not str(found[name]).startswith("data:") and tag != "a":
                self.fetched.append(str(found[name]))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def outline(html: str) -> Outline:
    parser = Outline()
    parser.feed(html)
    parser.close()
    assert not parser.open
    return parser


def test_viewer_is_self_contained_and_labelled(moving_clip: np.ndarray) -> None:
    html = phase_viewer(moving_clip, 5, element_id="viewer-a")
    found = outline(html)
    assert not found.fetched
    assert not re.search(r"https?://(?!www\.w3\.org)", html)
    assert set(found.targets) <= set(found.ids)
    assert {f"viewer-a-{n}" for n in ("onset", "apex", "offset", "frame")} <= set(found.targets)
    assert html == phase_viewer(moving_clip, 5, element_id="viewer-a")
    assert html.count("<noscript>") == 1


def test_two_viewers_share_no_id(moving_clip: np.ndarray) -> None:
    first, second = (outline(phase_viewer(moving_clip, 5, element_id=i)) for i in ("va", "vb"))
    assert not set(first.ids) & set(second.ids)
    assert len(first.ids) == len(set(first.ids))


def embedded(html: str) -> tuple[dict, list[np.ndarray]]:
    """Return the viewer's data and its frames, decoded and cut as the script does."""
    data = json.loads(re.search(r'application/json">(.*?)</script>', html, re.S).group(1))
    coded = np.frombuffer(base64.b64decode(data["sprite"].split(",")[1]), np.uint8)
    sheet = cv2.imdecode(coded, cv2.IMREAD_COLOR)[..., ::-1]
    frames = []
    for k in range(data["count"]):
        y, x = k // data["columns"] * data["pitch"][1], k % data["columns"] * data["pitch"][0]
        frames.append(sheet[y : y + data["height"], x : x + data["width"]])
    return data, frames


def test_embedded_frames_are_the_clips(moving_clip: np.ndarray) -> None:
    smooth = np.stack([cv2.GaussianBlur(frame, (0, 0), 2) for frame in moving_clip])
    data, frames = embedded(phase_viewer(smooth, 5, first_frame=46))
    assert (data["count"], data["apex"], data["offset"], data["first"]) == (12, 5, 11, 46)
    for ours, theirs in zip(smooth, frames, strict=True):
        assert np.abs(ours.astype(float) - theirs).mean() < 2  # JPEG


def test_still_pixels_stay_still_in_the_embedded_frames() -> None:
    still = np.random.default_rng(0).integers(0, 255, (21, 19, 3), dtype=np.uint8)
    _, frames = embedded(phase_viewer(np.repeat(still[None], 10, axis=0), 4))
    assert all(np.array_equal(frame, frames[0]) for frame in frames)


def test_large_clips_are_shrunk_and_stay_light() -> None:
    rng = np.random.default_rng(0)
    clip = rng.integers(0, 255, (90, 170, 140), dtype=np.uint8)  # noise compresses worst
    html = phase_viewer(clip, 30)
    assert '"height":112' in html
    assert '"width":92' in html
    assert len(html) < 1_500_000


@pytest.mark.parametrize(
    ("kind", "frames", "apex", "fps"),
    [
        ("bad frames", np.zeros((2, 4, 4, 3), np.uint8), 0, 200),
        ("bad frames", np.zeros((5, 4, 4, 3)), 2, 200),
        ("apex outside the clip", np.zeros((5, 4, 4, 3), np.uint8), 5, 200),
        ("apex outside the clip", np.zeros((5, 4, 4, 3), np.uint8), 2, 0),
        (
            "bad frames",
            np.random.default_rng(0).integers(0, 255, (600, 112, 112, 3), np.uint8),
            2,
            9,
        ),
    ],
)
def test_viewer_refuses_what_is_no_clip(kind: str, frames: np.ndarray, apex: int, fps: int) -> None:
    with raises(kind):
        phase_viewer(frames, apex, fps)


def rows_of(html: str) -> list[list[tuple[str, str]]]:
    """Return the explorer's rows: the exact value, where there is one, and the words of a cell."""
    body = re.search(r'<tbody data-part="rows">(.*?)</tbody>', html, re.S).group(1)
    cell = re.compile(r'<td(?: data-value="([^"]*)")?>([^<]*)</td>')
    return [cell.findall(row) for row in body.split("</tr>") if row.strip()]


def test_explorer_stays_light(scores: pd.DataFrame) -> None:
    one = len(results_explorer(scores.assign(table="table2", clips=246, subjects=26, seeds=5)))
    many = pd.concat([scores.assign(table=f"table{n}") for n in range(2, 9)] * 3)
    all_of_them = many.assign(clips=246, subjects=26, seeds=5)
    assert len(many) > 1500
    assert len(results_explorer(all_of_them)) - one < 400 * len(many)


def test_explorer_holds_every_score_exactly(scores: pd.DataFrame) -> None:
    scores = scores.assign(table="table2", clips=[1.0] + [246.0] * (len(scores) - 1), other=1)
    titles = {"table2": "A < B"}
    html = results_explorer(scores, "ex", {"CSV": "../a&b.csv"}, table_titles=titles)
    assert '<option value="Table 2">Table 2: A &lt; B</option>' in html
    found = outline(html)
    assert found.selects == ["table", "dataset", "model", "setting", "metric"]
    assert set(found.targets) <= set(found.ids)
    assert not found.fetched
    assert 'href="../a&amp;b.csv"' in html
    values = [float(row[5][0]) for row in rows_of(html)]
    assert sorted(values) == sorted(scores["value"])
    assert {row[1][1] for row in rows_of(html)} == {"CASME II", "SAMM"}
    assert sorted(row[8][1] for row in rows_of(html)) == ["1"] + ["246"] * (len(scores) - 1)
    assert html.count("<tr>") == len(scores) + 1
    assert 'data-column="other"' not in html
    assert html == results_explorer(scores, "ex", {"CSV": "../a&b.csv"}, table_titles=titles)


def test_explorer_orders_rows_as_a_reader_expects(scores: pd.DataFrame) -> None:
    by_metric = scores.sort_values("metric", kind="stable")
    html = results_explorer(pd.concat([by_metric, by_metric.assign(value=0.1)]))
    settings = [row[2][1] for row in rows_of(html)]
    assert list(dict.fromkeys(settings)) == ["single", "matched single", "dual", "aligned"]
    datasets = [row[0][1] for row in rows_of(html)]
    assert list(dict.fromkeys(datasets)) == ["CASME II", "SAMM"]


def test_explorer_escapes_names(scores: pd.DataFrame) -> None:
    scores["setting"] = '<script>alert("x")</script>'
    outline(results_explorer(scores))
    assert "<script>alert" not in results_explorer(scores)


def test_explorer_refuses_missing_scores(scores: pd.DataFrame) -> None:
    for lacking in (scores.iloc[:0], scores.drop(columns="low")):
        with raises("nothing to draw"):
            results_explorer(lacking)
    for column in ("value", "low", "high"):
        with raises("bad predictions"):
            results_explorer(scores.assign(**{column: np.nan}))
    results_explorer(scores.assign(low=np.nan, high=np.nan))
