"""Files to download: read back by others than those who wrote them."""

from __future__ import annotations

import base64
import io
import re

import pandas as pd
import pyarrow.parquet as pq
import pytest

from companion import chapters
from mer_utils.errors import MerError

FRAME = pd.DataFrame(
    {"model": ["LEARNet", 'a,"b" é'], "value": [1 / 3, float("nan")], "clips": [246, 3]},
    index=[7, 7],
)


def files_of(html: str) -> dict[str, bytes]:
    found = re.findall(r'download="([^"]+)" href="data:[^,]+;base64,([^"]+)"', html)
    return {name: base64.b64decode(data) for name, data in found}


def test_both_files_hold_every_digit():
    files = files_of(chapters.download(FRAME, "some-scores", ["csv", "parquet"]).data)
    assert list(files) == ["some-scores.csv", "some-scores.parquet"]
    plain = FRAME.reset_index(drop=True)
    csv = pd.read_csv(io.BytesIO(files["some-scores.csv"]))
    pd.testing.assert_frame_equal(csv, plain, check_dtype=False, check_exact=True)
    table = pq.read_table(io.BytesIO(files["some-scores.parquet"]))
    assert table.column_names == ["model", "value", "clips"]
    assert table["value"].to_pylist()[0] == 1 / 3
    assert table["clips"].to_pylist() == [246, 3]


def test_same_frame_same_bytes():
    one, two = (chapters.download(FRAME.copy(), "x", ["csv", "parquet"]).data for _ in range(2))
    assert one == two


@pytest.mark.parametrize("name", ["", "Scores", "a b", "../a", "a.csv", "a-", 'a"b'])
def test_a_name_that_is_no_file_name_is_refused(name):
    with pytest.raises(MerError, match="cannot name a file"):
        chapters.download(FRAME, name)


def test_an_unknown_format_is_refused():
    with pytest.raises(MerError, match="saved as xlsx; expected one of csv, parquet"):
        chapters.download(FRAME, "a", ["csv", "xlsx"])
