"""The command `mer` around its commands: first steps, settings, exit codes, terminals."""

from __future__ import annotations

import errno
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from mer_utils.cli.main import main
from mer_utils.machine import SETTINGS, anchor_settings, path_setting

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.scenario("J")


@pytest.fixture
def mer(capsys):
    """Run `mer` in this process; return its exit code and what it printed."""

    def mer(*arguments) -> tuple[int, str]:
        with pytest.raises(SystemExit) as ended:
            main([str(argument) for argument in arguments])
        shown = capsys.readouterr()
        return ended.value.code or 0, shown.out + shown.err

    return mer


def test_without_a_command_it_says_what_to_do_first(mer):
    code, shown = mer()
    assert code == 0
    assert all(word in shown for word in ("mer di", "mer check", "mer run --profile smoke"))


def test_the_module_is_the_command():
    done = subprocess.run(
        [sys.executable, "-m", "mer_utils", "plan", "--profle", "x"], capture_output=True, text=True
    )
    assert done.returncode == 2
    assert "--profile" in done.stderr
    assert "Usage: mer plan" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["--help"], 0),
        (["plan", "--help"], 0),
        (["no-such-command"], 2),
        (["run", "--no-such-option"], 2),
        (["run", "--workers", "0"], 2),
        (["run", "--workers", "1.5"], 2),
        (["plan", "--workers", "-1"], 2),
        (["synth", "casme2", "x", "--noise", "nan"], 2),
        (["synth", "casme2", "x", "--seed", "0-"], 2),
        (["synth", "casme2", "x", "--seed", "-1"], 1),
        (["synth", "casme2", "x", "--subjects", "1e9"], 2),
        (["synth", "casme2", "x", "--subjects", "1000000000"], 1),
        (["run", "--profile", "huge"], 1),
        (["run", "table99"], 1),
        (["check", "casme2", "nowhere"], 1),
        (["check", "casme9", "nowhere"], 1),
        (["di", "nowhere", "-o", "x.png"], 1),
        (["serve", "--port", "-1"], 1),
        (["serve", "--port", "99999999999999999999"], 1),
    ],
)
def test_the_exit_code_tells_usage_from_errors(mer, arguments, code):
    assert mer(*arguments)[0] == code


def test_a_misspelt_setting_is_refused_before_a_twin_is_taken_for_the_data(mer, monkeypatch, twins):
    monkeypatch.setenv("MER_CASME_ROOT", "/licensed")
    code, shown = mer("status", "table2", "--profile", "smoke", "--data-root", twins)
    assert code == 1
    assert "MER_CASME_ROOT" in shown
    assert "MER_CASME2_ROOT" in shown


@pytest.mark.parametrize(
    "name",
    [
        "MER_CASMEII_ROOT",
        "MER_MISSING_FRAME",
        "MER_BUILD_DIR",
        "MER_CASME_SHEET",
        "MER_SAMM_COLUMN",
    ],
)
def test_every_command_that_reads_settings_refuses_misspelt_ones(mer, monkeypatch, name):
    monkeypatch.setenv(name, "x")
    code, shown = mer("check", "casme2", "nowhere")
    assert code == 1
    assert "Error (invalid setting)" in shown
    assert name in shown


@pytest.mark.parametrize(
    "name", ["MER_QUITE_ANOTHER_THING", "MER_MEGC2019_ROOT", "MER_MANIFEST_ROOT"]
)
def test_a_setting_of_others_changes_nothing_and_is_told_of(mer, monkeypatch, caplog, name):
    monkeypatch.setenv(name, "x")
    mer("check", "casme2", "nowhere")
    assert name in caplog.text


@pytest.mark.parametrize("text", ["", "  ", "\t"])
def test_a_blank_setting_is_none(monkeypatch, text):
    monkeypatch.setenv("MER_BUILD", text)
    assert path_setting("MER_BUILD") is None


@pytest.mark.parametrize("name", ["MER_SCHEME", "MER_MISSING_APEX", "MER_MISSING_FRAMES"])
def test_white_space_round_a_setting_does_not_count_for_an_option_that_takes_it(
    mer, monkeypatch, tmp_path, name
):
    good = {"MER_SCHEME": "casme2-5", "MER_MISSING_APEX": "drop", "MER_MISSING_FRAMES": "error"}
    monkeypatch.setenv(name, f" {good[name]}\t")
    code, shown = mer("check", "casme2", tmp_path / "nowhere", "--format", "json")
    assert code == 1
    assert [p["kind"] for p in json.loads(shown)["problems"]] == ["missing root"]


def test_settings_name_the_same_folder_wherever_a_process_runs(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    for name, value in {
        "MER_CASME2_ROOT": " data ",
        "MER_WEIGHTS": "~/weights",
        "MER_CORRECTIONS": "mine.csv",
        "PYTHONPATH": f"own{os.pathsep}/else",
    }.items():
        monkeypatch.setenv(name, value)
    anchor_settings()
    assert os.environ["MER_CASME2_ROOT"] == str(tmp_path / "data")
    assert os.environ["MER_WEIGHTS"] == str(tmp_path / "home" / "weights")
    assert os.environ["MER_CORRECTIONS"] == str(tmp_path / "mine.csv")
    assert os.environ["PYTHONPATH"] == f"{tmp_path / 'own'}{os.pathsep}/else"


def test_a_home_that_is_unknown_is_said(mer, monkeypatch):
    monkeypatch.setenv("MER_CORRECTIONS", "~nobody-at-all/mine.csv")
    code, shown = mer("check", "casme2", "nowhere")
    assert code == 1
    assert "MER_CORRECTIONS" in shown


@pytest.mark.parametrize("output", ["table", "json"])
def test_square_brackets_in_a_path_are_printed_as_they_are(mer, tmp_path, monkeypatch, output):
    monkeypatch.setenv("COLUMNS", "300")
    root = tmp_path / "[red] data [x]"
    root.mkdir()
    _code, shown = mer("check", "casme2", root, "--format", output)
    assert shown.count("[red] data [x]") >= 2


def test_a_terminal_that_lacks_a_character_gets_its_number(tmp_path):
    root = tmp_path / "数据"
    root.mkdir()
    done = subprocess.run(
        [sys.executable, "-m", "mer_utils", "check", "casme2", root],
        env=os.environ | {"PYTHONIOENCODING": "ascii", "COLUMNS": "300"},
        capture_output=True,
    )
    assert done.returncode == 1
    assert rb"\u6570\u636e" in done.stdout
    assert b"Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("error", "kind", "advice"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), "cannot write", "free some space"),
        (PermissionError(errno.EACCES, "Permission denied", "/x"), "cannot read", "permissions"),
        (OSError(errno.EMFILE, "Too many open files"), "cannot read", "ulimit -n"),
        (OSError(errno.EAGAIN, "Resource temporarily unavailable"), "cannot read", "ulimit -u"),
        (OSError(errno.ENOMEM, "Cannot allocate memory"), "cannot read", "fewer workers"),
    ],
)
def test_a_file_that_no_room_asks_about_is_one_message(mer, monkeypatch, error, kind, advice):
    def broken(*_, **__):
        raise error

    monkeypatch.setattr("mer_utils.synthetic.write", broken)
    code, shown = mer("synth", "casme2", "x")
    assert code == 1
    assert f"Error ({kind})" in shown
    assert advice in shown


def test_every_setting_that_the_code_names_is_a_known_one():
    sources = [p for room in ("mer_utils", "companion") for p in (ROOT / room).rglob("*.py")]
    text = "\n".join(path.read_text("utf-8") for path in sources)
    assert set(re.findall(r'"(MER_[A-Z]+(?:_[A-Z]+)*)"', text)) == set(SETTINGS)


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["di", "clip", "-o", "s.png", "--margin", "0.5"], "--margin without --crop"),
        (["di", "clip", "-o", "s.png", "--size", "64"], "--size without --crop"),
        (["di", "clip", "-o", "s.png", "--detector", "x"], "--detector without --crop"),
        (["di", "clip", "-o", "clip/s.png"], "among the frames"),
        (["check", "manifest", "m.csv", "--missing-frames", "drop_clip"], "--missing-frames does"),
        (["check", "manifest", "m.csv", "--corrections", "x"], "--corrections does not"),
        (["check", "smic", "clip", "--sheet", "x"], "SMIC-HS has no sheet"),
        (["check", "megc2019", "clip"], "mer check samm FOLDER"),
        (["synth", "casme2", "x", "--clips-per-subject", "2"], "without subjects"),
        (["run", "--scheduler", "tcp://x:1"], "--executor local with --scheduler"),
        (["run", "--executor", "dask", "--scheduler", ""], "--executor dask without --scheduler"),
        (["run", "--cluster-options", "x.toml"], "--executor local with --cluster-options"),
        (["run", "--executor", "slurm"], "--executor slurm without --cluster-options"),
    ],
)
def test_an_option_that_would_change_nothing_is_refused(
    mer, monkeypatch, tmp_path, arguments, named
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "300")
    (tmp_path / "clip").mkdir()
    (tmp_path / "m.csv").write_text("subject,clip,label,image\na,1,x,a.png\n")
    code, shown = mer(*arguments)
    assert code == 1
    assert named in shown
