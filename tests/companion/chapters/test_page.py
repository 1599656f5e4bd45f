"""Tables as a page shows them, and files read back by others than those who wrote them."""

from __future__ import annotations

import base64
import io
import re

import pandas as pd
import pyarrow.parquet as pq
import pytest
from helpers import raises

from companion.chapters import page

FRAME = pd.DataFrame(
    {"model": ["LEARNet", 'a,"b" é'], "value": [1 / 3, float("nan")], "clips": [246, 3]},
    index=[7, 7],
)


def files_of(html: str) -> dict[str, bytes]:
    found = re.findall(r'download="([^"]+)" href="data:[^,]+;base64,([^"]+)"', html)
    return {name: base64.b64decode(data) for name, data in found}


def test_both_files_hold_every_digit():
    files = files_of(page.download(FRAME, "some-scores", ["csv", "parquet"]).data)
    assert list(files) == ["some-scores.csv", "some-scores.parquet"]
    plain = FRAME.reset_index(drop=True)
    csv = pd.read_csv(io.BytesIO(files["some-scores.csv"]))
    pd.testing.assert_frame_equal(csv, plain, check_dtype=False, check_exact=True)
    table = pq.read_table(io.BytesIO(files["some-scores.parquet"]))
    assert table.column_names == ["model", "value", "clips"]
    assert table["value"].to_pylist()[0] == 1 / 3
    assert table["clips"].to_pylist() == [246, 3]


def test_same_frame_same_bytes():
    one, two = (page.download(FRAME.copy(), "x", ["csv", "parquet"]).data for _ in range(2))
    assert one == two


@pytest.mark.parametrize("name", ["", "Scores", "a b", "../a", "a.csv", "a-", 'a"b'])
def test_a_name_that_is_no_file_name_is_refused(name):
    with raises("invalid option", repr(name)):
        page.download(FRAME, name)


def test_an_unknown_format_is_refused():
    with raises("unknown name", "xlsx", "csv, parquet"):
        page.download(FRAME, "a", ["csv", "xlsx"])


def test_show_escapes_and_repeats_itself():
    frame = pd.DataFrame({"what": ["<b>"], "n": [12345], "x": [0.12345]})
    html = page.show(frame, "A caption.").to_html()
    assert "&lt;b&gt;" in html
    assert "12,345" in html
    assert "0.123" in html
    assert html == page.show(frame, "A caption.").to_html()


def test_show_writes_names_for_readers():
    frame = pd.DataFrame(
        {
            "dataset": ["casme2"],
            "model": ["vgg19"],
            "phase": ["onset_apex"],
            "taken_for": ["surprise"],
            "sd_if_alike": [0.5],
        }
    )
    html = page.show(frame, "Clips & classes.", {"sd_if_alike": "{:.1f}"}, name="tab-x").to_html()
    for words in ("data set", "taken for", "SD if all alike", "CASME II", "VGG19", "onset to apex"):
        assert f">{words}<" in html
    assert ">0.5<" in html
    assert "<caption>Clips &amp; classes.</caption>" in html
    assert 'data-name="tab-x"' in html
