"""Manifests: images made elsewhere as a data set."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from helpers import findings, raises
from made_data import JPEG, jpeg

from mer_utils import augment, datasets
from mer_utils.datasets import manifest_rows, schema
from mer_utils.errors import MerError
from mer_utils.frames import Picture

ROWS = [
    {"subject": "s1", "clip": "c1", "label": "glad", "image": "images/a.jpg"},
    {"subject": "s1", "clip": "c2", "label": "sad", "image": "images/b.jpg"},
    {"subject": "s2", "clip": "c1", "label": "glad", "image": "images/c.jpg"},
]


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "images").mkdir()
    for name in "abcd":
        (tmp_path / "images" / f"{name}.jpg").write_bytes(jpeg(name))
    return tmp_path


def write(folder, rows, name="flow.csv") -> Path:
    frame = pd.DataFrame(rows)
    path = folder / name
    frame.to_parquet(path) if name.endswith("parquet") else frame.to_csv(path, index=False)
    return path


@pytest.mark.parametrize("name", ["flow.csv", "flow.parquet"])
def test_one_row_a_clip_with_its_images(folder, name):
    table = datasets.Manifest(write(folder, ROWS, name)).clips()
    assert list(table.columns) == [*schema.COLUMNS, "images"]
    assert list(table["subject"]) == ["s1", "s1", "s2"]
    assert set(table["dataset"]) == {"flow"}
    assert list(table["label"].cat.codes) == [0, 1, 0]
    assert table["images"][0] == {"full": str(folder / "images/a.jpg")}
    assert table[schema.FRAME_COLUMNS].isna().all(axis=None)
    data = datasets.Manifest(folder / name)
    assert (data.parts, data.rules, data.crops, data.made) == ((data,), {}, (), None)
    assert data.scheme == datasets.OWN_LABELS


def test_views_are_gathered(folder):
    more = {**ROWS[0], "image": "images/d.jpg", "view": "onset_apex"}
    table = datasets.Manifest(write(folder, [*ROWS, more])).clips()
    assert len(table) == 3
    assert table["images"][0] == {
        "full": str(folder / "images/a.jpg"),
        "onset_apex": str(folder / "images/d.jpg"),
    }


def test_numeric_subjects_and_labels(folder):
    rows = [
        {**row, "subject": 6, "label": label} for row, label in zip(ROWS, (10, 2, 2), strict=True)
    ]
    rows[2]["clip"] = "c3"
    for name in ("flow.csv", "flow.parquet"):
        table = datasets.Manifest(write(folder, rows, name).rename(folder / f"x_{name}")).clips()
        assert tuple(table["label"].cat.categories) == ("2", "10")
        assert set(table["subject"]) == {"6"}


def test_subjects_of_several_data_sets_are_kept_apart(folder):
    rows = [{**row, "dataset": name} for row, name in zip(ROWS, ("a", "a", "b"), strict=True)]
    rows[2]["subject"] = "s1"
    table = datasets.Manifest(write(folder, rows)).clips()
    assert list(table["subject"]) == ["a-s1", "a-s1", "b-s1"]


def test_a_scheme_gives_the_classes(folder):
    rows = [{**row, "label": "positive"} for row in ROWS]
    table = datasets.Manifest(write(folder, rows), "megc-3").clips()
    assert tuple(table["label"].cat.categories) == ("negative", "positive", "surprise")
    with raises("unknown label", "glad", "megc-3"):
        datasets.Manifest(write(folder, ROWS), "megc-3").clips()


def test_a_folder_with_one_manifest_will_do(folder):
    write(folder, ROWS)
    assert len(datasets.Manifest(folder).clips()) == 3
    write(folder, ROWS, "other.csv")
    with raises("several sheets", folder):
        datasets.Manifest(folder).clips()


def test_ledger_and_repeated_rows(folder):
    path = write(folder, [*ROWS, ROWS[1]])
    lines = datasets.Manifest(path).ledger()
    assert list(lines["reason"]) == ["", "", "", "repeats row 3"]
    assert "repeated row" in [p.kind for p in datasets.Manifest(path).check()]
    assert len(datasets.Manifest(path).clips()) == 3


def test_the_channel_of_a_horizontal_flow(folder):
    assert datasets.Manifest(write(folder, ROWS)).horizontal == ""
    rows = [{**row, "horizontal": "blue"} for row in ROWS]
    assert datasets.Manifest(write(folder, rows)).horizontal == "blue"
    assert tuple(augment.SIGNED) == tuple(f"flip-{c}" for c in manifest_rows.COLOURS)


def change(**cells):
    return [{**ROWS[0], **cells}, *ROWS[1:]]


@pytest.mark.parametrize(
    ("rows", "kind", "named"),
    [
        (change(image="images/none.jpg"), "missing image", "(row 2): image images/none.jpg"),
        (change(image="../../etc/passwd"), "name leaves the root", "passwd"),
        (change(image="/etc/passwd"), "name leaves the root", "passwd"),
        (change(image=""), "blank cell", "(row 2): image"),
        (change(subject=""), "blank cell", "(row 2): subject"),
        (change(view="flow"), "unknown view", "(row 2): view 'flow'"),
        (change(horizontal="u"), "unknown label", "(row 2): horizontal 'u'"),
        (change(horizontal="red"), "contradicting rows", "(row 3): horizontal blank"),
        (
            [*ROWS, {**ROWS[0], "image": "images/d.jpg"}],
            "contradicting rows",
            "(row 5): row 2",
        ),
        (
            [*ROWS, {**ROWS[0], "label": "sad", "view": "onset_apex"}],
            "contradicting labels",
            "(row 5): label 'sad'",
        ),
    ],
)
def test_bad_rows(folder, rows, kind, named):
    path = write(folder, rows)
    assert kind in [p.kind for p in datasets.Manifest(path).check() if p.severity == "error"]
    data = datasets.Manifest(path)
    for call in (data.clips, data.ledger):
        with raises(kind, named):
            call()


def test_damaged_and_undecodable_images(folder, monkeypatch):
    path = write(folder, ROWS)
    image = np.zeros((2, 2, 1), np.uint8)

    def read(path):
        if path.name == "c.jpg":
            raise MerError("undecodable frame", f"{path} is odd", "an image", "copy it")
        return Picture(image, ("it is mirrored",) if path.name == "b.jpg" else ())

    monkeypatch.setattr(manifest_rows, "read_picture", read)
    found = findings(datasets.Manifest(path), decode=True)
    assert [(p.severity, p.kind) for p in found] == [
        ("error", "damaged image"),
        ("warning", "changed pictures"),
    ]
    assert "row 4" in found[0].message
    assert "is odd" in found[0].message
    assert found[1].message == "clip s1 c2 (row 3): images/b.jpg: it is mirrored"
    (folder / "images/b.jpg").write_bytes(b"")
    with raises("damaged image", "images/b.jpg"):
        datasets.Manifest(path).clips()


def test_link_out_of_the_folder_is_refused(folder, tmp_path_factory):
    outside = tmp_path_factory.mktemp("outside") / "a.jpg"
    outside.write_bytes(JPEG)
    (folder / "images/link.jpg").symlink_to(outside)
    with raises("name leaves the root", "images/link.jpg"):
        datasets.Manifest(write(folder, change(image="images/link.jpg"))).clips()


def test_a_manifest_of_full_views_is_noted_for_dual_says_nothing(folder):
    found = findings(datasets.Manifest(write(folder, ROWS)))
    assert [(p.severity, p.kind) for p in found] == [("note", "full view only")]
    more = {**ROWS[0], "image": "images/d.jpg", "view": "apex_offset"}
    found = findings(datasets.Manifest(write(folder, [*ROWS, more])))
    assert [(p.severity, p.kind) for p in found] == [("note", "odd sheet")]
    assert "3 cells of view are blank, and taken for full" in found[0].message


def test_clip_without_a_full_view_is_warned_of(folder):
    path = write(folder, [{**row, "view": "onset_apex"} for row in ROWS])
    assert [(p.severity, p.kind) for p in findings(datasets.Manifest(path))] == [
        ("error", "no full view")
    ] * 3
    path = write(folder, [{**ROWS[0], "view": "onset_apex"}, *ROWS[1:]])
    assert [(p.severity, p.kind) for p in findings(datasets.Manifest(path))] == [
        ("warning", "no full view"),
        ("note", "odd sheet"),
    ]


@pytest.mark.parametrize(
    ("name", "content", "kind"),
    [
        ("m.csv", "subject,clip,image\n", "missing column"),
        ("m.csv", "subject,clip,label,image\n", "empty sheet"),
        ("m.csv", "", "unreadable sheet"),
        ("m.parquet", "PAR1 no", "unreadable sheet"),
        ("m.dat", "", "missing sheet"),
    ],
)
def test_bad_files(tmp_path, name, content, kind):
    (tmp_path / name).write_text(content)
    root = tmp_path / name if name != "m.dat" else tmp_path
    with raises(kind):
        datasets.Manifest(root).clips()
    assert [p.severity for p in datasets.Manifest(root).check()] == ["error"]


def test_missing_manifest(tmp_path):
    with raises("missing sheet", "nowhere.csv"):
        datasets.Manifest(tmp_path / "nowhere.csv").clips()


def test_an_image_name_longer_than_a_file_system_takes(folder):
    rows = [*ROWS, {"subject": "s3", "clip": "c9", "label": "sad", "image": "é" * 300}]
    (problem,) = findings(datasets.Manifest(write(folder, rows)))
    assert problem.kind == "missing image"


@pytest.mark.scenario("H")
def test_a_row_cut_short_is_refused_and_a_blank_view_is_said(folder):
    header = "dataset,subject,clip,label,image,view\n"
    start = "d,s1,c1,glad,images/a.jpg,full\nd,s2,c1,sad,images/b.jpg"
    (folder / "flow.csv").write_text(header + start + "\n")
    with raises("odd cell", "(row 3): view is absent"):
        datasets.Manifest(folder / "flow.csv").clips()
    (folder / "flow.csv").write_text(header + start + ",full,more\n")
    with raises("odd cell", "row 3 has 7 cells"):
        datasets.Manifest(folder / "flow.csv").clips()
    (folder / "flow.csv").write_text(header + start.replace("d,s2", ",s2") + ",full\n")
    with raises("blank cell", "(row 3): dataset is blank"):
        datasets.Manifest(folder / "flow.csv").clips()


@pytest.mark.scenario("H")
def test_a_misspelt_column_that_may_lack_is_said(folder):
    rows = [{**row, "datasets": "a"} for row in ROWS]
    (warning,) = [
        p for p in findings(datasets.Manifest(write(folder, rows))) if p.severity == "warning"
    ]
    assert "'datasets' is not read; is it dataset?" in warning.message
    chosen = datasets.Manifest(folder / "flow.csv", columns=("dataset=datasets",))
    assert set(chosen.clips()["dataset"]) == {"a"}


@pytest.mark.scenario("F")
@pytest.mark.parametrize(
    ("column", "cell"),
    [("dataset", "nan"), ("subject", "None"), ("subject", "-"), ("clip", "NaN"), ("image", "null")],
)
def test_what_stands_for_no_value_is_no_name(folder, column, cell):
    with raises("blank cell", f"{column} is {cell}"):
        datasets.Manifest(write(folder, change(**{column: cell}))).clips()


def test_what_parquet_holds_beside_text_and_numbers(folder):
    frame = pd.DataFrame(ROWS)
    frame.set_index("subject").to_parquet(folder / "named.parquet")
    assert len(datasets.Manifest(folder / "named.parquet").clips()) == 3
    frame.assign(label=frame["label"].str.encode("ascii")).to_parquet(folder / "bytes.parquet")
    with raises("odd cell", "label holds bytes"):
        datasets.Manifest(folder / "bytes.parquet").clips()


@pytest.mark.scenario("J")
def test_backslashes_of_windows_are_read_as_slashes_and_said(folder):
    rows = [{**row, "image": row["image"].replace("/", "\\")} for row in ROWS]
    data = datasets.Manifest(write(folder, rows))
    assert data.clips()["images"][0] == {"full": str(folder / "images/a.jpg")}
    assert "3 paths are written with backslashes" in " ".join(p.message for p in data.check())
    with raises("missing image", "..\\images"):
        datasets.Manifest(write(folder, change(image="..\\images\\a.jpg"))).clips()


@pytest.mark.scenario("G")
def test_worksheets_columns_and_delimiters_of_a_manifest(folder, monkeypatch):
    from openpyxl import Workbook

    frame = pd.DataFrame(ROWS)
    book = Workbook()
    book.active.title = "Pilot"
    for sheet, table in ((book.active, frame[:1]), (book.create_sheet("All"), frame)):
        for row in [list(table), *table.to_numpy().tolist()]:
            sheet.append(row)
    book.save(folder / "flow.xlsx")
    with raises("several sheets", "Pilot", "All"):
        datasets.Manifest(folder / "flow.xlsx").clips()
    for sheet in ("All", ":All", "flow.xlsx:All"):  # the last as the error says it
        assert len(datasets.Manifest(folder / "flow.xlsx", sheet=sheet).clips()) == 3
    monkeypatch.setenv("MER_MANIFEST_SHEET", "All")
    assert datasets.sheet_settings("manifest") == {"sheet": "All"}
    twice = folder / "twice.csv"
    frame.assign(Label=["sad", "sad", "glad"]).to_csv(twice, index=False, sep=";")
    with raises("ambiguous column", "C ('label')", "E ('Label')", "label=C"):
        datasets.Manifest(twice).clips()
    assert list(datasets.Manifest(twice, columns=("label=E",)).clips()["label"]) == [
        "sad",
        "sad",
        "glad",
    ]


def test_of_a_manifest_a_few_subjects_may_be_left(folder):
    subjects = ["ann", "ben", "ben", "cho"]
    rows = [
        {"subject": s, "clip": c, "label": "ab"[c == "b"], "image": f"images/{c}.jpg"}
        for s, c in zip(subjects, "abcd", strict=True)
    ]
    manifest = datasets.Manifest(write(folder, rows), at_most=2)
    assert set(manifest.clips()["subject"]) == {"ann", "ben"}
    assert manifest.ledger()["reason"].str.contains("at_most=2").tolist() == [False] * 3 + [True]
