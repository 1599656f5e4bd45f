"""The interactive figures in a real browser: keyboard, mouse, width, several on a page."""

from __future__ import annotations

import base64
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pandas as pd
import pytest

from mer_utils.dynamic_image import phase_dynamic_images, to_uint8
from mer_utils.plotting import phase_viewer, results_explorer

CHROMIUM = shutil.which("chromium")
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="Debian's chromium is not installed"),
]


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    api = pytest.importorskip("playwright.sync_api")
    with api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def open_page(browser: Any, tmp_path: Path) -> Iterator[Any]:
    """Return a function that opens HTML; at the end, nothing may have complained."""
    complaints: list[str] = []
    pages = []

    def opener(html: str, width: int = 390, count: int = 1, **options: Any) -> Any:
        file = tmp_path / "page.html"
        head = '<meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        file.write_text(f'<!doctype html><html lang="en">{head}<title>t</title>{html}</html>')
        page = browser.new_page(viewport={"width": width, "height": 800}, **options)
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("request", lambda r: r.url.startswith("http") and complaints.append(r.url))
        page.goto(file.as_uri())
        page.wait_for_function(f"document.querySelectorAll('[data-drawn]').length === {count}")
        pages.append(page)
        return page

    yield opener
    for page in pages:
        page.close()
    assert complaints == []


def spread(page: Any, viewer: str, phase: str) -> int:
    """Return the range of grey levels in a viewer's dynamic image."""
    return page.evaluate(
        """([viewer, phase]) => {
            const c = document.querySelector(`#${viewer} [data-part=canvas-${phase}]`);
            const d = c.getContext('2d').getImageData(0, 0, c.width, c.height).data;
            let low = 255, high = 0;
            for (let p = 0; p < d.length; p += 4) {
                low = Math.min(low, d[p]);
                high = Math.max(high, d[p]);
            }
            return high - low;
        }""",
        [viewer, phase],
    )


def test_viewer_moves_by_keyboard_and_neighbours_hold(
    open_page: Any, moving_clip: np.ndarray
) -> None:
    html = "".join(phase_viewer(moving_clip, 5, element_id=i, first_frame=46) for i in ("a", "b"))
    page = open_page(html, count=2)
    assert page.locator("#a [data-part=text-full]").inner_text() == "12 of 12 frames"
    assert spread(page, "a", "full") > 100
    page.locator("#a-apex").focus()
    page.keyboard.press("ArrowRight")
    assert page.locator("#a [data-part=text-onset_apex]").inner_text() == "7 of 7 frames"
    assert page.locator("#b [data-part=text-onset_apex]").inner_text() == "6 of 6 frames"
    page.locator("#a-onset").focus()
    page.keyboard.press("End")
    assert page.locator("#a [data-part=out-onset]").inner_text() == "52"  # stops at the apex
    words = page.locator("#a [data-part=text-onset_apex]").inner_text()
    assert words == "no dynamic image: fewer than two frames"
    assert spread(page, "a", "onset_apex") == 0
    page.locator("#a [data-part=reset]").click()
    assert page.locator("#a [data-part=out-onset]").inner_text() == "46"


def test_viewer_builds_up_and_plays(open_page: Any, moving_clip: np.ndarray) -> None:
    page = open_page(phase_viewer(moving_clip, 5, element_id="a"), width=900)
    page.locator("#a-frame").fill("3")
    assert page.locator("#a [data-part=text-apex_offset]").inner_text() == "0 of 7 frames"
    assert spread(page, "a", "apex_offset") == 0
    filled = page.locator("#a rect.mer-weight[fill-opacity='1']").count()
    assert filled == 4 + 4  # frames 0 to 3 of the full clip and of its first half
    page.locator("#a [data-part=reset]").click()
    page.locator("#a-speed").select_option("1")
    page.evaluate("document.querySelector('#a [data-part=status]').textContent = ''")
    page.locator("#a [data-part=play]").click()
    page.wait_for_function(
        "document.querySelector('#a [data-part=status]').textContent.includes('frame 11')"
    )
    assert page.locator("#a [data-part=play]").inner_text() == "Play"


def test_viewer_switches_the_direction_of_the_fall(open_page: Any, moving_clip: np.ndarray) -> None:
    page = open_page(phase_viewer(moving_clip, 5, element_id="a", fall="backward"), width=900)

    def pixels(phase: str) -> str:
        return page.locator(f"#a [data-part=canvas-{phase}]").evaluate("e => e.toDataURL()")

    before = {phase: pixels(phase) for phase in ("full", "onset_apex", "apex_offset")}
    assert page.locator("#a-fall").input_value() == "backward"
    page.locator("#a-fall").select_option("forward")
    after = {phase: pixels(phase) for phase in before}
    assert [phase for phase in before if before[phase] != after[phase]] == ["apex_offset"]


def test_viewer_steps_instead_of_moving_where_motion_is_unwanted(
    open_page: Any, moving_clip: np.ndarray
) -> None:
    page = open_page(phase_viewer(moving_clip, 5, element_id="a"), reduced_motion="reduce")
    button = page.locator("#a [data-part=play]")
    assert button.inner_text() == "Next frame"
    button.click()
    button.click()
    assert page.locator("#a [data-part=out-frame]").inner_text() == "1"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1440])
def test_nothing_overflows(
    open_page: Any, moving_clip: np.ndarray, scores: pd.DataFrame, width: int, scheme: str
) -> None:
    html = phase_viewer(moving_clip, 5) + results_explorer(scores)
    page = open_page(html, width=width, count=2, color_scheme=scheme)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    back = page.evaluate("getComputedStyle(document.querySelector('.mer-figure')).backgroundColor")
    assert back == {"light": "rgb(255, 255, 255)", "dark": "rgb(23, 27, 34)"}[scheme]


def test_explorer_filters_sorts_and_reads(open_page: Any, scores: pd.DataFrame) -> None:
    page = open_page(results_explorer(scores.assign(clips=246), "x"), width=900)
    assert page.locator("g.mer-mark").count() == 48  # one metric of two
    page.locator("#x-model").select_option(label="LEARNet")
    page.locator("#x-dataset").select_option(label="SAMM")
    assert page.locator("g.mer-mark").count() == 4
    assert page.locator("#x tbody tr:visible").count() == 4
    page.locator("g.mer-mark").nth(2).focus()
    row = scores.query("model == 'learnet' & dataset == 'samm' & setting == 'dual'").iloc[0]
    read = page.locator("#x [data-part=read]").inner_text()
    assert f"{row['value']:.3f}, interval {row['low']:.3f} to {row['high']:.3f}" in read
    assert "clips: 246" in read
    page.keyboard.press("Escape")
    assert "Tab" in page.locator("#x [data-part=read]").inner_text()
    page.locator("#x th[data-column=value] button").click()
    value = "#x tbody tr:visible td:nth-child(5)"
    cells = page.locator(value).all_inner_texts()
    assert cells == sorted(cells)
    page.locator("#x th[data-column=value] button").press("Enter")
    again = page.locator(value).all_inner_texts()
    assert again == cells[::-1]


def test_without_scripts_nothing_is_lost(
    open_page: Any, moving_clip: np.ndarray, scores: pd.DataFrame
) -> None:
    html = phase_viewer(moving_clip, 5) + results_explorer(scores, downloads={"CSV": "a.csv"})
    page = open_page(html, count=0, java_script_enabled=False)
    assert page.locator(".mer-phase-viewer img").is_visible()
    assert page.locator("tbody tr").count() == len(scores)
    assert page.get_by_role("link", name="CSV").is_visible()


def test_explorer_says_where_an_interval_is_undefined(open_page: Any, scores: pd.DataFrame) -> None:
    scores.loc[scores["model"] == "learnet", ["low", "high"]] = np.nan
    page = open_page(results_explorer(scores, "x"), width=900)
    page.locator("#x-model").select_option(label="LEARNet")
    assert page.locator("g.mer-mark").count() == 8
    assert page.locator("g.mer-mark line").count() == 0
    assert "NaN" not in page.locator("#x [data-part=charts]").inner_html()
    page.locator("g.mer-mark").first.focus()
    assert "interval undefined" in page.locator("#x [data-part=read]").inner_text()
    page.locator("#x th[data-column=low] button").click()
    assert page.locator("#x tbody tr:visible td:nth-child(6)").all_inner_texts() == ["–"] * 8


def pixels(page: Any, part: str) -> np.ndarray:
    """Return what a canvas of the viewer shows, as RGB."""
    uri = page.locator(f"[data-part=canvas-{part}]").evaluate("c => c.toDataURL()")
    png = np.frombuffer(base64.b64decode(uri.split(",")[1]), np.uint8)
    return cv2.imdecode(png, cv2.IMREAD_COLOR)[..., ::-1]


def give(page: Any, files: list[Path]) -> str:
    """Choose files in the viewer and return what it says of them."""
    page.set_input_files("[data-part=files]", files)
    page.wait_for_selector("[data-own]")
    return page.locator("[data-part=own]").inner_text()


@pytest.fixture
def own_frames(moving_clip: np.ndarray, tmp_path: Path) -> list[Path]:
    """Another clip than the viewer's: upside down, as frames 8 to 19."""
    paths = []
    for number, frame in enumerate(moving_clip[:, ::-1], 8):
        paths.append(tmp_path / f"img{number}.png")
        cv2.imwrite(str(paths[-1]), frame[..., ::-1])
    return paths


def test_frames_of_ones_own_give_the_images_that_the_library_makes(
    open_page: Any, moving_clip: np.ndarray, own_frames: list[Path]
) -> None:
    page = open_page(phase_viewer(moving_clip, 5))
    assert "12 frames" in give(page, own_frames[::-1])  # chosen in any order
    assert page.locator("[data-part=out-onset]").inner_text() == "8"
    page.locator("[data-part=apex]").fill("13")
    page.locator("[data-part=fall]").select_option("backward")
    views = {"full": "full", "onset_apex": "onset_apex", "apex_offset": "offset_apex"}
    expected = phase_dynamic_images(moving_clip[:, ::-1], 5, views=[*views.values()])
    for shown, view in views.items():
        ours = to_uint8(expected[view], "symmetric").astype(int)
        assert np.abs(pixels(page, shown) - ours).max() <= 1, view
    with page.expect_download() as saved:
        page.locator("[data-part=save]").click()
    sheet = cv2.imread(str(saved.value.path()))[..., ::-1]
    assert np.array_equal(sheet[:, 28:52], pixels(page, "full"))


def test_a_video_of_ones_own_gives_every_frame(
    open_page: Any, moving_clip: np.ndarray, tmp_path: Path
) -> None:
    large = moving_clip.repeat(4, axis=1).repeat(4, axis=2)
    file = tmp_path / "mine.webm"
    video = cv2.VideoWriter(str(file), cv2.VideoWriter.fourcc(*"VP80"), 25, large.shape[2:0:-1])
    for frame in large:
        video.write(frame[..., ::-1])
    video.release()
    page = open_page(phase_viewer(moving_clip, 5))
    assert "12 frames" in give(page, [file])
    page.locator("[data-part=apex]").fill("6")  # a video's frames count from 1
    expected = to_uint8(phase_dynamic_images(large, 5)["onset_apex"], "symmetric")
    agreement = np.corrcoef(pixels(page, "onset_apex").ravel(), expected.ravel())[0, 1]
    assert agreement > 0.9  # but for what the video's compression lost


def test_what_is_no_clip_is_refused_in_words_and_the_clip_before_stays(
    open_page: Any, moving_clip: np.ndarray, own_frames: list[Path], tmp_path: Path
) -> None:
    page = open_page(phase_viewer(moving_clip, 5))
    before = pixels(page, "full")
    text, broken, small = tmp_path / "notes.txt", tmp_path / "clip.mp4", tmp_path / "img20.png"
    text.write_text("no picture")
    broken.write_bytes(b"no video")
    cv2.imwrite(str(small), np.zeros((5, 5), np.uint8))
    for files, named in (
        ([text], "notes.txt"),
        ([broken], "mer di clip.mp4"),
        ([*own_frames, small], "img20.png"),
        (own_frames[:2], "at least three"),
        ([*own_frames, broken], "one video"),
    ):
        assert named in give(page, files)
        page.evaluate("() => document.querySelector('[data-own]').removeAttribute('data-own')")
    assert np.array_equal(pixels(page, "full"), before)
