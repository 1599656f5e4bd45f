"""Names of subjects, clips and folders that a user may have, from the table to the scores."""

from __future__ import annotations

import cv2
import numpy as np
import pandas as pd
import pytest
from helpers import registered

from mer_utils import experiments
from mer_utils.cli.main import main
from mer_utils.experiments import TABLES, Table, run_spec
from mer_utils.runs.run_folder import file_name

pytestmark = pytest.mark.scenario("J")

ODD = [
    "欧" * 30, "名" * 120, "..", ".", "a/b", "a\\b", "c:d", "CON", "ends.", "con ", "🙂", "x*?",
    "[red]x[/red]", "Ann", "ann", "%2F", "held_out=1", "~", "-rf", "Zoë", "a,b;c", 'say "hi"',
]  # fmt: skip


def grid(profile, data):
    yield run_spec(profile, data[0].spec, "svm_hog")


def test_every_name_has_a_file_of_its_own_on_any_file_system():
    names = [file_name(name) for name in ODD]
    assert len({name.lower() for name in names}) == len(ODD)
    for name in names:
        assert len(f"{name}.environment.json.XXXXXXXX.part".encode()) < 255
        assert not set(name) & set('/\\:*?"<>|')
        assert name.isascii()


def test_folds_of_oddly_named_subjects_are_computed_and_found(tmp_path, monkeypatch, rng, capsys):
    folder = tmp_path / "[odd] Ordner 数据"
    folder.mkdir()
    subjects, rows = ["欧" * 30, "a/b", "c:d", "[red]x[/red]", "Zoë 🙂", "ends."], []
    for number, subject in enumerate(subjects):
        for clip, label in (("c[1]", "left"), ("c 2", "right")):
            image = f"{number} {label}.png"
            picture = rng.integers(0, 256, (24, 24, 3), np.uint8)
            assert cv2.imencode(".png", picture)[1].tofile(folder / image) is None
            rows.append((subject, clip, label, image))
    table = folder / "flow table.csv"
    pd.DataFrame(rows, columns=["subject", "clip", "label", "image"]).to_csv(table, index=False)
    places = ["--profile", "smoke", "--store", str(tmp_path / "a [store]"), "--data"]
    alone = {"run": ["--workers", "1"], "status": []}
    with registered(TABLES, Table("tiny", "One run", "nothing", grid)):
        for command, more in alone.items():
            with pytest.raises(SystemExit) as ended:
                main([command, "tiny", *places, f"manifest:{table}", *more])
            assert not ended.value.code, capsys.readouterr().err
        workspace = experiments.open_workspace(
            "smoke", store=tmp_path / "a [store]", datasets=[f"manifest:{table}"]
        )
        found = workspace.predictions("tiny")
    assert set(found["subject"]) == set(subjects)
    assert len(found[found["test_view"] == "full"]) == 2 * len(subjects)
