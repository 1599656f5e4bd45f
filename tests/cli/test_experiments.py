"""``mer plan``, ``mer run``, ``mer status``: what they show, do, refuse, and how they stop."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import psutil
import pytest
import timm
from helpers import registered
from safetensors.torch import save_file
from typer.testing import CliRunner

from mer_utils.cli.experiments import compute
from mer_utils.cli.main import app
from mer_utils.cli.progress import FoldProgress, duration
from mer_utils.datasets import Casme2
from mer_utils.experiments import TABLES, Table, run_spec
from mer_utils.files import identity
from mer_utils.models import weights_identity
from mer_utils.runs import Job, ModelSpec, Outcome, RunStore, run

MER = Path(sys.executable).with_name("mer")


def tiny_grid(profile, data):
    yield run_spec(profile, data[0].spec, "learnet")


@pytest.fixture
def tiny():
    """A table of one run: three folds."""
    with registered(TABLES, Table("tiny", "One run", "nothing", tiny_grid)):
        yield


@pytest.fixture
def mer(twins, tmp_path, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")

    def mer(command, *arguments):
        places = ["--profile", "smoke", "--data-root", twins, "--store", tmp_path / "store"]
        return CliRunner().invoke(app, [command, *map(str, places), *arguments])

    return mer


def row(result, table="tiny") -> list[str]:
    """The cells of a table's row."""
    assert result.exit_code == 0, result.output
    line = next(line for line in result.output.splitlines() if line.startswith(f"│ {table} "))
    return [cell.strip() for cell in line.strip("│ ").split("│")]


def test_plan_counts_and_starts_nothing(mer, tiny, tmp_path, workspace):
    counted = row(mer("plan", "tiny"))
    clips = workspace.clips("casme2")
    each = clips["subject"].value_counts()
    shown = (len(clips) - each).sum() * workspace.profile.training.epochs
    assert counted[:5] == ["tiny", "1", "3", "3", str(shown)]
    assert float(counted[5]) > 1e6
    assert not (tmp_path / "store").exists()


def test_run_then_status_then_nothing_is_left_to_do(mer, tiny, tmp_path):
    assert row(mer("status", "tiny")) == ["tiny", "3", "0", "3", "0"]
    done = mer("run", "tiny", "--workers", "1")
    assert done.exit_code == 0
    assert "tiny: 3 of 3 folds" in done.output
    assert row(mer("status", "tiny")) == ["tiny", "3", "3", "0", "0"]
    assert row(mer("plan", "tiny"))[3:] == ["0", "0", "0.0e+00", "0 s", "0 s"]
    before = {f: f.stat().st_mtime_ns for f in tmp_path.rglob("*.parquet")}
    again = mer("run", "tiny", "--workers", "1")
    assert again.exit_code == 0
    assert "all 3 folds are in the store" in again.output
    assert {f: f.stat().st_mtime_ns for f in tmp_path.rglob("*.parquet")} == before


@pytest.mark.scenario("J")
def test_a_table_without_a_run_is_said(mer):
    told = mer("run", "table3", "--models", "svm_hog")
    assert (told.exit_code, "no run of table3" in told.output) == (0, True)


def test_the_status_of_half_a_store(mer, tiny, tmp_path, workspace, monkeypatch):
    (job, *jobs) = workspace.jobs(workspace.specs("tiny"))
    assert run(jobs, workspace.context).done == 2
    told = mer("status", "tiny")
    assert row(told) == ["tiny", "3", "2", "1", "0"]
    assert "left, as the last 2 fold(s) went" in told.output
    with monkeypatch.context() as later:
        later.setattr("mer_utils.cli.experiments.time.time", lambda: time.time_ns() / 1e9 + 1e5)
        assert "No fold was done lately. The rest takes one worker" in mer("status", "tiny").output
    with monkeypatch.context() as earlier:  # the folds are of a machine whose clock is ahead
        earlier.setattr("mer_utils.cli.experiments.time.time", lambda: time.time_ns() / 1e9 - 1e5)
        assert re.search(r"About \d+ s left, as the last 2 fold", mer("status", "tiny").output)
    assert row(mer("plan", "tiny"))[1:4] == ["1", "3", "1"]
    workspace.store.folder(job.spec).file(job.held_out).write_bytes(b"cut off")
    before = {f: identity(f) for f in (tmp_path / "store").rglob("*")}
    told = mer("status", "tiny")
    assert row(told) == ["tiny", "3", "2", "1", "0"]
    assert {f: identity(f) for f in (tmp_path / "store").rglob("*")} == before
    assert mer("run", "tiny", "--workers", "1").exit_code == 0
    assert row(mer("status", "tiny")) == ["tiny", "3", "3", "0", "0"]
    assert [f.name for f in (tmp_path / "store").rglob("*.parquet")] == ["run.parquet"]


@pytest.mark.scenario("K")
def test_a_run_killed_after_its_last_fold_is_put_together_though_its_table_lacks_others(
    workspace, monkeypatch
):
    def grid(profile, data):
        for model in ("constant", "svm_pixels"):
            yield run_spec(profile, data[0].spec, model)

    with registered(TABLES, Table("pair", "Two runs", "nothing", grid)):
        first, other = workspace.specs("pair")
        with monkeypatch.context() as killed:
            killed.setattr(RunStore, "consolidate", lambda *a: None)
            run(workspace.jobs([first]), workspace.context)
        compute(workspace, ["pair"], 1, jobs=workspace.jobs([other])[:1])
    store = workspace.store
    assert [len(store.folder(spec).listed(".parquet")) for spec in (first, other)] == [0, 1]
    assert store.folder(first).whole.is_file()
    assert workspace.missing([first]) == []


@pytest.mark.scenario("E")
@pytest.mark.parametrize("command", ["status", "run"])
@pytest.mark.parametrize(
    ("place", "kind", "words"),
    [
        ("file/store", "cannot read", "stands in its way"),
        ("file", "other store", "another folder"),
        ("folder", "cannot read", "store.json"),
        ("long" * 100, "cannot read", "shorter path"),
        ("/long" * 1000, "cannot read", "shorter path"),
    ],
)
def test_a_store_where_none_can_be_is_one_error(mer, tiny, tmp_path, command, place, kind, words):
    (tmp_path / "file").touch()
    (tmp_path / "folder" / "store.json").mkdir(parents=True)
    refused = mer(command, "tiny", "--store", f"{tmp_path}/{place}")
    assert refused.exit_code == 1
    assert refused.exception.kind == kind
    assert words in str(refused.exception)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["file", "folder"]


@pytest.mark.scenario("K")
def test_status_says_that_folds_were_computed_in_several_environments(mer, tiny, workspace):
    assert run(workspace.jobs(workspace.specs("tiny")), workspace.context).done == 3
    assert "mixed" not in mer("status", "tiny").output
    file = workspace.store.folder(workspace.specs("tiny")[0]).path / "environments.json"
    notes = json.loads(file.read_text())
    next(iter(notes.values()))["packages"]["torch"] = "1.0"
    file.write_text(json.dumps(notes))
    assert (
        "tiny: Computed in mixed environments. torch of networks: " in mer("status", "tiny").output
    )
    assert "lack the record" not in mer("status", "tiny").output
    notes.popitem()
    file.write_text(json.dumps(notes))
    assert "1 fold(s) lack the record" in mer("status", "tiny").output
    assert workspace.store.unrecorded(workspace.specs("tiny")) == 1


@pytest.mark.scenario("E")
def test_a_fold_that_cannot_be_read_is_an_error_and_stays(mer, tiny, workspace):
    jobs = workspace.jobs(workspace.specs("tiny"))
    assert run(jobs, workspace.context).done == 3
    folder = workspace.store.folder(jobs[0].spec)
    folder.whole.unlink()
    folder.whole.mkdir()  # what even root cannot read as a file
    for command in ("status", "plan", "run"):
        refused = mer(command, "tiny")
        assert refused.exit_code == 1
        assert refused.exception.kind == "cannot read"
        assert str(folder.whole) in str(refused.exception)
        assert folder.whole.is_dir()


def test_no_number_of_a_plan_is_cut_off_on_a_narrow_terminal(mer, tiny, monkeypatch):
    monkeypatch.setattr("mer_utils.runs.plan.seconds_per_image", lambda *a: 1e6)
    monkeypatch.setenv("COLUMNS", "30")
    shown = mer("plan", "tiny")
    assert "…" not in shown.output
    assert row(shown)[6].endswith(" h")
    assert shown.output.count("estimate ") + shown.output.count("estimate\n") >= 2


def test_a_failed_fold_is_listed_with_its_error_and_the_exit_code_says_so(mer, tiny, monkeypatch):
    with monkeypatch.context() as patched:
        patched.setattr("mer_utils.training.classifier.Classifier.fit", lambda *a, **k: [][0])
        failed = mer("run", "tiny", "--workers", "1")
    assert failed.exit_code == 1
    assert failed.output.count("IndexError") == 3
    assert "held_out=" in failed.output
    assert row(mer("status", "tiny"))[1:] == ["3", "0", "3", "3"]
    assert mer("run", "tiny", "--workers", "1").exit_code == 0
    assert row(mer("status", "tiny"))[1:] == ["3", "3", "0", "0"]


@pytest.mark.parametrize("command", ["plan", "run", "status"])
@pytest.mark.parametrize(
    ("unknown", "named"),
    [(["table99"], "table99"), (["--profile", "huge"], "one of smoke, demo, night, paper")],
)
def test_unknown_tables_and_profiles_are_refused(mer, command, unknown, named):
    error = mer(command, *unknown).exception
    assert error.kind == "unknown name"
    assert named in str(error)


@pytest.mark.parametrize(
    ("kind", "arguments", "named"),
    [
        ("unknown name", ["--executor", "grid"], "grid"),
        ("invalid option", ["--executor", "slurm"], "--cluster-options"),
        ("invalid option", ["--scheduler", "tcp://127.0.0.1:1"], "--executor dask"),
        ("no cluster", ["--executor", "dask", "--scheduler", "nonsense"], "nonsense"),
        ("unknown name", ["--device", "tpu9000", "--workers", "1"], "tpu9000"),
        ("no device", ["--device", "cuda", "--workers", "2"], "cuda"),
    ],
)
def test_wrong_places_to_run_are_refused(mer, tiny, tmp_path, monkeypatch, kind, arguments, named):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    result = mer("run", "tiny", *arguments)
    assert result.exit_code == 1
    assert result.exception.kind == kind
    assert named in str(result.exception)
    assert not list(tmp_path.rglob("*.parquet"))


def pretrained_grid(profile, data):
    name = "mobilenetv2_100"
    spec = run_spec(profile, data[0].spec, name)
    model = ModelSpec(name=name, pretrained=True, weights=weights_identity(name))
    yield spec.model_copy(update={"model": model})


@pytest.fixture
def pretrained(mer):
    """Run one network from its ImageNet weights."""
    with registered(TABLES, Table("tiny", "One run", "nothing", pretrained_grid)):
        yield lambda: mer("run", "tiny", "--workers", "1")


@pytest.mark.scenario("K")
def test_a_hub_that_cannot_be_reached_stops_the_run_once_before_any_fold(
    pretrained, tmp_path, monkeypatch
):
    asked = []

    def unreachable(url, **options):
        asked.append(url)
        raise OSError("We couldn't connect to the hub")

    monkeypatch.setattr("huggingface_hub.get_hf_file_metadata", unreachable)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "cache"))
    refused = pretrained()
    assert refused.exit_code == 1
    assert refused.exception.kind == "missing weights"
    assert "couldn't connect" in str(refused.exception)
    assert len(asked) == 1
    assert not list(tmp_path.rglob("held_out=*"))


@pytest.mark.scenario("B")
def test_weights_are_loaded_whole_or_the_run_stops_before_any_fold(
    pretrained, tmp_path, monkeypatch, caplog
):
    monkeypatch.setenv("MER_WEIGHTS", str(tmp_path))
    tensors = timm.create_model("mobilenetv2_100").state_dict()
    for key in tensors:
        if "running_var" in key:  # as training leaves them; a fresh network's are refused
            tensors[key].uniform_(0.9, 1.1)
    file = tmp_path / "mobilenetv2_100.safetensors"
    save_file({k: t for k, t in tensors.items() if "blocks.3." not in k}, file)
    refused = pretrained()
    assert refused.exception.kind == "bad weights"
    assert "blocks.3.0.conv_pw.weight" in str(refused.exception)
    assert not list(tmp_path.rglob("held_out=*"))
    save_file({f"module.{key}": t for key, t in tensors.items()}, file)
    assert pretrained().exit_code == 0
    said = [r.getMessage() for r in caplog.records if "'module.' is removed" in r.getMessage()]
    assert len(said) == 1  # not in every fold
    assert list(tmp_path.rglob("*.parquet"))


@pytest.mark.parametrize(
    ("sign", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)], ids=["ctrl-c", "terminate"]
)
def test_a_stopped_run_ends_with_one_sentence_and_its_workers(twins, tmp_path, sign, code):
    process = subprocess.Popen(
        [MER, "run", "table2", "--profile", "smoke", "--models", "constant", "--workers", "2",
         "--data-root", twins, "--store", tmp_path / "store"],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True,
    )  # fmt: skip
    seen = []
    for line in process.stdout:
        seen.append(line)
        if "folds to compute" in line:
            break
    workers = psutil.Process(process.pid).children(recursive=True)
    # Ctrl-C in a terminal goes to every process of the group, the other to one.
    os.killpg(process.pid, sign) if sign == signal.SIGINT else process.terminate()
    output, _ = process.communicate(timeout=300)
    assert process.returncode == code, "".join(seen) + output
    assert psutil.wait_procs(workers, timeout=300)[1] == []
    assert "Nothing is lost" in output
    assert "Traceback" not in output


def test_folds_of_another_run_are_told_once_and_not_counted_as_done(workspace, capsys):
    spec = workspace.specs("table2")[0]
    jobs = [Job(spec, name) for name in "abc"]
    with FoldProgress("table2", dict.fromkeys(jobs, 1.0)) as progress:
        for job, status in zip([*jobs, jobs[1]], ["done", "busy", "failed", "done"], strict=True):
            progress.update(Outcome(job, status))
    told = capsys.readouterr().err
    assert told.count("another run") == 1
    assert "table2: 2 of 3 folds, 1 failed tries" in told


def test_the_time_left_is_judged_without_the_start(workspace, monkeypatch, capsys):
    clock = [0.0]
    monkeypatch.setattr("mer_utils.cli.progress.time.monotonic", lambda: clock[0])
    spec = next(s for s in workspace.specs("table2") if s.model.name == "learnet")
    jobs = [Job(spec, str(n)) for n in range(40)]
    progress = FoldProgress("t", dict.fromkeys(jobs, 1.0), lambda: 1)
    for at, job in zip((60, 62), jobs, strict=False):  # a minute to start, two seconds per fold
        clock[0] = at
        progress.update(Outcome(job, "done", 2.0))
    assert f"about {duration(2 * 39)} left" in capsys.readouterr().err


@pytest.mark.scenario("A")
def test_a_run_says_what_was_changed_in_pictures_also_from_the_cache(twins, tmp_path, monkeypatch):
    root = shutil.copytree(twins / "casme2-smoke", tmp_path / "casme2")
    frame = sorted(root.rglob("reg_img*.jpg"))[0]
    deep = cv2.imread(str(frame), cv2.IMREAD_UNCHANGED).astype(np.uint16) * 257
    frame.write_bytes(cv2.imencode(".png", deep)[1].tobytes())
    monkeypatch.setenv("MER_CASME2_ROOT", str(root))

    def grid(profile, data):
        yield run_spec(profile, data[0].spec, "constant")

    with registered(TABLES, Table("tiny", "One run", "nothing", grid)):
        for workers in "21":
            places = ["--store", str(tmp_path / workers), "--profile", "smoke"]
            arguments = ["tiny", "--data", "casme2", "--workers", workers]
            said = CliRunner().invoke(app, ["run", *arguments, *places])
            assert said.exit_code == 0, said.output
            assert "16 bits per channel are divided by 257 (1 clip" in said.output


@pytest.fixture
def counted(tmp_path, monkeypatch):
    """Run a command where there is neither a twin nor a store; return what it printed."""
    monkeypatch.setattr("mer_utils.runs.plan.seconds_per_image", lambda *a: 1e-3)

    def counted(command, *arguments):
        places = ["--profile", "smoke", "--data-root", tmp_path / "d", "--store", tmp_path / "s"]
        result = CliRunner().invoke(app, [command, *arguments, *map(str, places)])
        assert result.exit_code == 0, result.output
        return result.output

    return counted


def numbers(shown: str) -> dict[str, list[str]]:
    """The cells of each row, with or without lines between them."""
    rows = [line.replace("│", " ").split() for line in shown.splitlines()]
    return {cells[0]: cells[1:6] for cells in rows if len(cells) >= 5 and cells[1].isdigit()}


@pytest.mark.scenario("J")
@pytest.mark.parametrize("command", ["plan", "status"])
def test_counting_draws_nothing_and_counts_what_drawn_twins_give(
    counted, twins, tmp_path, monkeypatch, command
):
    with monkeypatch.context() as patched:
        patched.setattr("mer_utils.synthetic.write", lambda *a, **k: pytest.fail("it was drawn"))
        shown = counted(command, "table2", "table7")
    assert "2 made data set(s) are not in" in shown
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "d").symlink_to(twins)
    drawn = counted(command, "table2", "table7")
    assert "made data set(s)" not in drawn
    assert numbers(shown) == numbers(drawn)
    assert {"table2", "table7"} <= set(numbers(shown))


@pytest.mark.scenario("J")
def test_a_plan_fits_a_terminal_of_80_columns_and_ends_in_a_total(counted, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    shown = counted("plan")
    _, *table = shown[: shown.index("In all about")].splitlines()  # below what is computed
    assert max(map(len, table)) <= 80
    found = numbers(shown)
    *tables, total = found
    assert total == "total"
    # What tables share is counted once; what is missing is listed once by itself.
    missing = sum(int(found[name][2]) for name in tables)
    assert int(found["total"][2]) == int(found["total"][1]) == missing
    assert int(found["total"][0]) < sum(int(found[name][0]) for name in tables)


@pytest.mark.scenario("J")
def test_a_run_says_which_clips_a_rule_left_out_and_does_not_run_on_none(
    tiny, twins, tmp_path, monkeypatch
):
    root = shutil.copytree(twins / "casme2-smoke", tmp_path / "casme2")
    monkeypatch.setenv("MER_CASME2_ROOT", str(root))
    monkeypatch.setenv("MER_MISSING_FRAMES", "drop_clip")
    clips = Casme2(root).clips()
    arguments = ["tiny", "--profile", "smoke", "--data", "casme2", "--store", str(tmp_path / "s")]
    next(Path(clips["frames_dir"][0]).glob(f"*img{clips['apex'][0]}.jpg")).unlink()
    said = CliRunner().invoke(app, ["status", *arguments]).output
    assert "clips are left out: 1 for missing frames (missing_frames=drop_clip)" in said
    for clip in clips.itertuples():
        next(Path(clip.frames_dir).glob(f"*img{clip.offset}.jpg")).unlink()
    for command in ("plan", "status", "run"):
        error = CliRunner().invoke(app, [command, *arguments]).exception
        assert error.kind == "too few subjects"


@pytest.fixture
def long(monkeypatch):
    """Let every image take an hour, here and by recorded rates."""
    monkeypatch.setattr("mer_utils.runs.plan.seconds_per_image", lambda *a: 3600.0)
    monkeypatch.setattr("mer_utils.runs.plan.forward_operations", lambda *a: 10**15)


@pytest.mark.parametrize(("answer", "code"), [("n\n", 1), ("y\n", 0)])
def test_a_run_of_more_than_a_day_asks_where_somebody_can_answer(
    tiny, twins, tmp_path, monkeypatch, long, answer, code
):
    monkeypatch.setattr("mer_utils.cli.experiments.asked", lambda: True)
    places = ["--profile", "smoke", "--data-root", twins, "--store", tmp_path / "store"]
    words = [str(word) for word in ("run", "tiny", "--workers", "1", *places)]
    told = CliRunner().invoke(app, words, input=answer)
    assert told.exit_code == code
    assert re.search(r"about \d+\.\d days here \(3 folds\)", told.output)
    assert bool(list(tmp_path.rglob("*.parquet"))) == (code == 0)


def test_a_long_run_in_a_batch_job_says_so_and_goes_on_and_yes_says_nothing(mer, tiny, long):
    told = mer("run", "tiny", "--workers", "1")
    assert told.exit_code == 0
    assert "days here" in told.output
    assert "days here" not in mer("run", "tiny", "--workers", "1", "--yes", "--rehash").output
