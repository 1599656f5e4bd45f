"""Full-size sheets with the published counts and the known special clips.

Which subject has which clips is made up; the totals, the special clips and the number of
subjects that each scheme keeps are those of the licensed sheets.
"""

from __future__ import annotations

import os
import shutil
from collections import Counter

import pandas as pd
import pytest
from made_data import (
    CASME2_HEADER,
    CASME2_NAME,
    SAMM_HEADER,
    SAMM_NAME,
    casme2_row,
    samm_row,
    write_frames,
    write_xlsx,
)

from mer_utils import datasets
from mer_utils.datasets import SCHEMES

CASME2_EMOTIONS = datasets.Casme2.published.emotions
CASME2_SPECIAL = [
    (4, "EP12_01f", 10, "/", 20, "disgust"),
    (5, "EP09_05f", 10, 10, 20, "repression"),
    (5, "EP16_04f", 10, 20, 20, "others"),
    (12, "EP09_06", 10, 20, 20, "disgust"),
    (20, "EP16_01", 10, 20, 20, "happiness"),
    (25, "EP18_04f", 10, 20, 20, "surprise"),
    (16, "EP04_02f", 10, 18, 20, "others"),
    (20, "EP12_01", 10, 18, 20, "others"),
]
SAMM_EMOTIONS = datasets.Samm.published.emotions
SAMM_SPECIAL = [
    ("032", "032_3_2", 5126, 5127, 5207, "anger"),
    ("026", "026_3_3", 1704, 1736, 1737, "other"),
    ("017", "017_3_3", 1393, 1489, 1492, "happiness"),
]


SMIC_CLASSES = datasets.Smic.published.emotions


@pytest.fixture(scope="module")
def casme2(tmp_path_factory):
    root = tmp_path_factory.mktemp("full_casme2")
    left = Counter(CASME2_EMOTIONS)
    left.subtract(emotion for *_, emotion in CASME2_SPECIAL)
    rows = [casme2_row(*special) for special in CASME2_SPECIAL]
    # Subjects 10 and 18 have no clip of the three classes.
    for emotion, count in left.items():
        subjects = (
            [10, 18, 1] if emotion == "others" else [s for s in range(1, 27) if s not in (10, 18)]
        )
        for i in range(count):
            subject = subjects[i % len(subjects)]
            rows.append(casme2_row(subject, f"EP{len(rows):02d}_99f", 46, 54, 66, emotion))
    write_xlsx(root / CASME2_NAME, [CASME2_HEADER, *rows])
    for row in rows:
        write_frames(root / "Cropped" / f"sub{row[0]:02d}" / row[1], row[3], row[5])
    return root


@pytest.fixture(scope="module")
def samm(tmp_path_factory):
    root = tmp_path_factory.mktemp("full_samm")
    left = Counter(SAMM_EMOTIONS)
    left.subtract(emotion for *_, emotion in SAMM_SPECIAL)
    rows = [samm_row(*special) for special in SAMM_SPECIAL]
    # 29 subjects: two have only classes outside the five, one has only Other.
    names = [f"{n:03d}" for n in range(6, 35)]
    rare, only_other = names[:2], names[2]
    for emotion, count in left.items():
        if emotion in ("disgust", "fear", "sadness"):
            subjects = rare
        elif emotion == "other":
            subjects = [only_other]
        else:
            subjects = names[3:]
        for i in range(count):
            subject = subjects[i % len(subjects)]
            clip = f"{subject}_9_{len(rows)}"
            rows.append(samm_row(subject, clip, 99_990, 100_000, 100_020, emotion.capitalize()))
    notes = [[f"note {i}"] for i in range(13)]
    write_xlsx(root / SAMM_NAME, [*notes, SAMM_HEADER, *rows])
    for row in rows:
        write_frames(root / row[0] / row[1], row[3], row[5], name=row[0] + "_{:05d}.jpg")
    return root


@pytest.fixture(scope="module")
def smic(tmp_path_factory):
    root = tmp_path_factory.mktemp("full_smic")
    names = [name for name in range(1, 21) if name not in (7, 10, 16, 17)]
    for emotion, clips in SMIC_CLASSES.items():
        for i in range(clips):
            subject = f"s{names[i % len(names)]}"
            clip = f"{subject}_{datasets.Smic.codes[emotion]}_{i // len(names) + 1:02d}"
            folder = root / "SMIC_all_cropped/HS" / subject / "micro" / emotion / clip
            write_frames(folder, 1, 11, name="image{:06d}.bmp")
    return root


def counts(table):
    return dict(table["label"].value_counts())


def test_casme2_five_classes(casme2):
    table = datasets.Casme2(casme2).clips()
    assert (len(table), table["subject"].nunique()) == (246, 26)
    assert counts(table) == {name: CASME2_EMOTIONS[name] for name in SCHEMES["casme2-5"].classes}
    assert table["apex"].isna().sum() == 1


def test_casme2_without_the_six_clips_that_lack_a_phase(casme2):
    table = datasets.Casme2(casme2, degenerate_phase="drop_clip").clips()
    assert len(table) == 240
    lines = datasets.Casme2(casme2, degenerate_phase="drop_clip").ledger()
    counted = datasets.rule_counts(lines).set_index("rule")["rows"]
    assert counted["degenerate_phase=drop_clip"] == 6


def test_an_edition_of_256_rows_gives_the_same_clips(casme2, tmp_path):
    """Rows are known by subject and file name, so one more, or another order, changes nothing."""
    from openpyxl import load_workbook

    (header, *rows) = load_workbook(casme2 / CASME2_NAME).active.iter_rows(values_only=True)
    root = tmp_path / "edition"
    write_xlsx(root / "CASME2-coding-20190701.xlsx", [header, *reversed(rows), rows[7]])
    expected = datasets.Casme2(casme2, verify_frames=False).clips()
    shutil.copytree(casme2 / "Cropped", root / "Cropped", copy_function=os.link)
    found = datasets.Casme2(root, verify_frames=False).clips()
    pd.testing.assert_frame_equal(
        found.drop(columns="frames_dir"), expected.drop(columns="frames_dir")
    )
    lines = datasets.Casme2(root, verify_frames=False).ledger()
    assert (len(lines), (lines["status"] == "used").sum()) == (256, 246)
    assert list(lines["reason"])[-1].startswith("repeats row")


def test_casme2_three_classes(casme2):
    table = datasets.Casme2(casme2, "megc-3").clips()
    assert (len(table), table["subject"].nunique()) == (145, 24)
    assert counts(table) == {"negative": 88, "positive": 32, "surprise": 25}
    assert table["apex"].notna().all()
    assert (table["apex"] == table["offset"]).sum() == 3


def test_samm(samm):
    five = datasets.Samm(samm).clips()
    assert (len(five), five["subject"].nunique()) == (136, 27)
    assert counts(five) == {name: SAMM_EMOTIONS[name] for name in SCHEMES["samm-5"].classes}
    three = datasets.Samm(samm, "megc-3").clips()
    assert (len(three), three["subject"].nunique()) == (133, 28)
    assert counts(three) == {"negative": 92, "positive": 26, "surprise": 15}
    assert len(datasets.Samm(samm, degenerate_phase="drop_clip").clips()) == 136


def test_smic_and_the_composite(casme2, samm, smic):
    alone = datasets.Smic(smic).clips()
    assert (len(alone), alone["subject"].nunique()) == (164, 16)
    assert counts(alone) == SMIC_CLASSES
    assert [p.kind for p in datasets.Smic(smic).check()] == ["apex at the midpoint"]
    roots = {"casme2": casme2, "samm": samm, "smic": smic}
    composite = datasets.Composite.open(roots).clips()
    assert (len(composite), composite["subject"].nunique()) == (442, 68)
    parts = composite.groupby("dataset")["subject"].agg(["size", "nunique"])
    assert parts.values.tolist() == [[145, 24], [133, 28], [164, 16]]


@pytest.mark.parametrize(
    ("dataset", "scheme", "rows", "used"),
    [
        ("casme2", "casme2-5", 255, 246),
        ("casme2", "megc-3", 255, 145),
        ("samm", "samm-5", 159, 136),
        ("samm", "megc-3", 159, 133),
    ],
)
def test_the_ledger_adds_up(request, dataset, scheme, rows, used):
    lines = datasets.open(dataset, request.getfixturevalue(dataset), scheme=scheme).ledger()
    assert len(lines) == rows
    assert (lines["status"] == "used").sum() == used
    assert ((lines["reason"] == "") == (lines["status"] == "used")).all()
    assert datasets.reasons(lines)["rows"].sum() == rows


def test_healthy_full_size_data_has_no_error(casme2, samm):
    assert datasets.worst(datasets.Casme2(casme2).check()) == "note"
    assert datasets.Samm(samm).check() == []


def test_files_are_looked_at_not_decoded(casme2, monkeypatch):
    """A check opens each frame of a clip once and lists each folder a bounded number of times."""
    import os

    from mer_utils.datasets import integrity

    glanced, listed = [], Counter()
    real_glance, real_scandir = integrity.glance, os.scandir
    monkeypatch.setattr(integrity, "glance", lambda p, *a: glanced.append(p) or real_glance(p, *a))

    def scandir(folder):
        listed[str(folder)] += 1
        return real_scandir(folder)

    monkeypatch.setattr(os, "scandir", scandir)
    datasets.Casme2(casme2).check()
    assert len(glanced) == len(set(glanced)) == sum(1 for _ in casme2.rglob("*.jpg"))
    assert max(listed.values()) <= 4
