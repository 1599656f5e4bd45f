"""Recorded costs as tables: goals, fits and projections on a made record."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from helpers import raises

from companion import costs
from companion.chapters import costs_figures, page, pictures
from companion.costs import record as record_room
from companion.costs import trends
from companion.costs.record import COLUMNS
from mer_utils.runs import plan

MACHINE = {
    "processor": "made",
    "cores": 2,
    "commit": "0123456789ab",
    "measured": "2026-01-02T03:04:05+00:00",
}


def row(section, case, measure, value, unit="", **more):
    return dict.fromkeys(COLUMNS) | {
        "section": section,
        "case": case,
        "measure": measure,
        "value": value,
        "unit": unit,
        **more,
    }


def made_rows():
    rows = [
        row("dynamic images", "a clip", "plain / ours", 9.0, "x", at_least=8),
        row("dynamic images", "a clip", "three / one", 1.6, "x", at_most=1.5),
        row("dynamic images", "a clip", "one phase", 3.0, "ms"),
        row("training", "learnet", "time of a training image", 2.0, "ms"),
        row("training", "learnet", "epochs", 5.0),
        row("effects", "learnet", "channels last", 2.0, "in use"),
        row("effects", "vgg19", "channels last", 0.5, "in use"),
        row("effects", "learnet", "bfloat16", 0.5, "tried"),
        row("effects", "learnet", "fused AdamW", 1.2, "in use"),
        row("effects", "learnet", "torch.compile", 1.2, "tried"),
        row("effects", "learnet", "other", 0.9, "in use"),
        row("whole", "import mer_utils", "seconds", 0.1, "s", at_most=0.3),
    ]
    for x in (8, 16, 32):
        rows.append(row("scaling", "subjects", "time of a run", 0.1 * x**1.5, "s", x=x))
        rows.append(row("scaling", "subjects", "images shown", 10 * x**2, "images", x=x))
    for loop in ("ours", "usual loop"):
        for epoch in (1, 2, 3):
            rows.append(row("curves", "learnet", f"{loop}, seed 0", 1.0 / epoch, x=epoch))
    return rows


def write(folder, name="20260102T030405Z-0.json", rows=None, **machine):
    folder.mkdir(parents=True, exist_ok=True)
    record = {"machine": MACHINE | machine, "rows": made_rows() if rows is None else rows}
    (folder / name).write_text(json.dumps(record))
    return folder / name


@pytest.fixture
def record(tmp_path):
    return costs.read(write(tmp_path))


@pytest.fixture
def nothing(monkeypatch, tmp_path):
    monkeypatch.setenv("MER_BUILD", str(tmp_path / "checkout" / "build"))
    monkeypatch.setattr(record_room, "home", lambda: tmp_path)
    return costs.read()


def test_goals_are_met_or_missed_by_their_numbers(record):
    shown = costs.section_table(record, "dynamic images")
    assert shown["verdict"].tolist() == ["met", "missed", ""]
    assert shown["goal"].tolist() == ["at least 8", "at most 1.5", ""]
    assert shown["value"].tolist() == ["9 x", "1.6 x", "3 ms"]
    assert costs.quoted(record)["goals"] == "3"
    assert costs.quoted(record)["goals_met"] == "2"


def test_measures_stand_side_by_side(record):
    wide = costs.by_case(record, "training", {"epochs": "n", "absent": "-", **costs.SPEEDS})
    (line,) = wide.dropna(axis="columns").to_dict("records")
    assert line == {"model": "LEARNet", "n": 5.0, "ms per image": 2.0}


def test_the_headings_are_those_of_measures_that_are_recorded():
    source = (Path(__file__).parents[2] / "benchmarks" / "training.py").read_text("utf-8")
    for measure in (*costs.SHARES, *costs.SPEEDS):
        assert measure.split(", ")[-1] in source


def test_points_of_curves_are_no_single_numbers(record):
    assert costs.section_table(record, "curves")["what"].tolist() == ["not measured"]


def test_verdicts_on_what_was_tried_follow_from_the_numbers(record):
    table = costs.effects_table(record).set_index("change")
    assert table["verdict"].to_dict() == {
        "channels last": "kept: no difference",  # twice and half: a geometric mean of 1
        "bfloat16": "rejected: slower",
        "fused AdamW": "kept: faster",
        "torch.compile": "faster, not used",
        "other": "slower, used nevertheless",
    }
    assert table.loc["channels last", ["smallest", "largest"]].tolist() == [0.5, 2.0]


def test_the_fitted_exponent_recovers_a_known_one(rng):
    x = np.array([1, 2, 4, 8, 16])
    for exponent in (0.5, 1.0, 2.3):
        noise = rng.normal(0, 0.01, len(x))
        fitted = trends.fitted_exponent(x, 7 * x**exponent * np.exp(noise))
        assert fitted == pytest.approx(exponent, abs=0.03)


def test_growth_sets_the_time_beside_the_work(record):
    (line,) = costs.growth_table(record).to_dict("records")
    assert line["values"] == "8, 16, 32"
    assert line["exponent of the time"] == pytest.approx(1.5)
    assert line["expected"] == pytest.approx(2)


@pytest.mark.parametrize(("clips", "subjects", "folds"), [(60, 6, None), (60, 12, 4), (35, 7, 7)])
def test_images_shown_are_those_of_the_folds(clips, subjects, folds):
    fold_of_clip = np.arange(clips) % subjects % (folds or subjects)
    counted = sum((fold_of_clip != fold).sum() for fold in range(folds or subjects))
    assert trends.images_shown(clips, subjects, folds) == counted


def test_the_projection_is_the_time_of_an_image_times_the_images(record):
    table = costs.projection_table(record, workers=64)
    for line, (_, clips, subjects, folds) in zip(
        table.to_dict("records"), trends.PROJECTED, strict=True
    ):
        k = folds or subjects
        assert line["images"] == 3 * clips * (k - 1) * 5
        assert line["hours, one core"] == pytest.approx(line["images"] * 2e-3 / 3600)
        one_fold = line["hours, one core"] / k
        assert line["hours, 64 workers"] >= one_fold * (1 - 1e-9)
        assert line["hours, 64 workers"] >= line["hours, one core"] / 64 * (1 - 1e-9)
    assert table["images"].iloc[2] < table["images"].iloc[1] / 50


def test_the_newest_record_is_read_and_all_stand_in_the_history(monkeypatch, tmp_path):
    monkeypatch.setenv("MER_BUILD", str(tmp_path / "build"))
    old = write(tmp_path / "build" / "bench", "20250101T000000Z-a.json", commit="aaaaaaaaaaaa")
    new = write(tmp_path / "build" / "bench", "20260101T000000Z-b.json")
    assert costs.files() == [old, new]
    assert costs.read().machine["commit"] == MACHINE["commit"]
    history = costs.history_table()
    assert list(history.columns) == ["seconds", "2026-01-02, aaaaaaa", "2026-01-02, 0123456"]
    assert history.iloc[0].tolist() == ["import mer_utils", 0.1, 0.1]


def test_a_record_of_the_checkout_stands_in_until_one_is_made(monkeypatch, tmp_path):
    monkeypatch.setenv("MER_BUILD", str(tmp_path / "elsewhere"))
    monkeypatch.setattr(record_room, "home", lambda: tmp_path)
    came = write(tmp_path / "benchmarks" / "recorded")
    assert costs.files() == [came]
    made = write(tmp_path / "elsewhere" / "bench")
    assert costs.files() == [made]


def test_without_a_record_every_table_says_so(nothing):
    shown = [
        costs.machine_table(nothing),
        costs.section_table(nothing, "dynamic images"),
        costs.by_case(nothing, "training", costs.SHARES),
        costs.by_case(nothing, "gpu rates", costs.GPU_RATES),
        costs.hours_table(nothing),
        costs.effects_table(nothing),
        costs.growth_table(nothing),
        costs.projection_table(nothing),
        costs.history_table(),
    ]
    for table in shown:
        assert "not measured" in page.show(table, "A table.").to_html()
    quoted = costs.quoted(nothing)
    assert "make bench" in quoted.pop("goals_said")
    assert set(quoted.values()) == {"not measured"}
    for draw, section in (
        (costs_figures.loss_curves, "curves"),
        (costs_figures.growth_figure, "scaling"),
    ):
        assert "Nothing to draw" in page.drawn(draw, nothing.section(section)).data
    assert pictures.said_of_losses(nothing.section("curves")) == "nothing was measured."
    assert pictures.said_of_growth(costs.growth_table(nothing)) == "nothing was measured."


def gpu_rows():
    rows = [row("gpu plan", "table2", "learnet", 7.2e6, "images")]
    rows += [row("gpu plan", "table2", "learnet", 100, "folds")]
    rows += [row("gpu plan", "table3", "vgg19", 3.6e6, "images")]
    rows += [row("gpu plan", "table3", "vgg19", 10, "folds")]
    rows += [row("gpu rates", "learnet", "images a second, bfloat16", 2000.0)]
    rows += [row("gpu rates", "vgg19", "images a second, bfloat16", 1000.0)]
    for name in ("learnet", "vgg19"):
        rows += [row("gpu folds", name, "making the network", 2.0, "s")]
        rows += [row("gpu folds", name, "sending its weights", 1.0, "s")]
        rows += [row("gpu folds", name, "predicting after an epoch", 0.5, "s")]
    return rows


def test_hours_are_images_over_images_a_second_and_folds(tmp_path):
    table = costs.hours_table(costs.read(write(tmp_path, rows=gpu_rows()))).set_index("table")
    assert list(table.index) == ["table2", "table3", "all tables"]
    assert table["steps, h"].tolist() == pytest.approx([1, 1, 2])
    a_fold = 2 + 1 + 0.5 * trends.PAPER_EPOCHS
    assert table["beside them, h"].tolist() == pytest.approx(
        [100 * a_fold / 3600, 10 * a_fold / 3600, 110 * a_fold / 3600]
    )
    assert table["folds"].tolist() == [100, 10, 110]


def test_a_gpu_has_a_record_of_its_own(monkeypatch, tmp_path, nothing):
    monkeypatch.setenv("MER_BUILD", str(tmp_path / "build"))
    assert "make gpu-check" in costs.gpu_said(nothing)
    came = tmp_path / "benchmarks" / "recorded"
    write(came, "20260101T000000Z-a.json", gpu_rows(), gpu="Made 9000", commit="aaaaaaaaaaaa")
    write(tmp_path / "build" / "bench", "20260102T000000Z-b.json")
    gpu = costs.read("", "gpu rates")
    assert costs.gpu_said(gpu) == (
        "It was measured on one Made 9000, at commit aaaaaaaaaaaa, on 2026-01-02."
    )
    assert costs.read().machine["commit"] == MACHINE["commit"]


def test_plans_rest_on_the_recorded_rates():
    root = Path(__file__).parents[2]
    found = [costs.read(file) for file in sorted((root / "benchmarks" / "recorded").glob("*.json"))]
    rates = next(c for c in reversed(found) if len(c.section("gpu rates"))).section("gpu rates")
    assert set(rates["case"]) == set(plan.GPU_OPERATIONS_PER_SECOND)
    for name, by_precision in plan.GPU_OPERATIONS_PER_SECOND.items():
        for precision, rate in by_precision.items():
            wanted = (rates["case"] == name) & (
                rates["measure"] == f"operations a second, {precision}"
            )
            assert rate / 1e12 == pytest.approx(rates.loc[wanted, "value"].item(), rel=0.01)


def test_figures_draw_the_record(record):
    curves = costs_figures.loss_curves(record.section("curves"))
    lines = curves.axes[0].get_lines()
    assert [line.get_label() for line in lines] == ["ours", "usual loop"]
    np.testing.assert_allclose(lines[0].get_ydata(), [1, 1 / 2, 1 / 3])
    growth = costs_figures.growth_figure(record.section("scaling"))
    work = next(a for a in growth.axes[0].get_lines() if a.get_label() == "images shown")
    np.testing.assert_allclose(work.get_ydata(), [1, 4, 16])


@pytest.mark.parametrize("text", ["", "[]", '{"rows": []}', '{"machine": 3, "rows": []}'])
def test_what_is_no_record_is_named(tmp_path, text):
    (tmp_path / "x.json").write_text(text)
    with raises("bad register", "x.json"):
        costs.read(tmp_path / "x.json")
