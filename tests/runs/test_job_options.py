"""The file of cluster options: every fault in it is named before anything is submitted."""

from __future__ import annotations

from contextlib import suppress

import pytest
from helpers import raises
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

pytest.importorskip("dask_jobqueue")
from mer_utils.errors import MerError
from mer_utils.runs.job_queue import job_queue

pytestmark = pytest.mark.scenario("J")
GOOD = 'jobs = 2\ncores = 1\nmemory = "1GB"\nwalltime = "01:00:00"\n'


@pytest.fixture
def queue(monkeypatch, tmp_path):
    """Read a file of options as `mer run --executor slurm` does, where jobs can be submitted."""
    monkeypatch.setattr("shutil.which", lambda name: name)

    def queue(content: bytes | str, kind: str = "slurm"):
        file = tmp_path / "options.toml"
        file.write_bytes(content.encode() if isinstance(content, str) else content)
        return job_queue(kind, file)

    return queue


@pytest.mark.parametrize(
    ("line", "named"),
    [
        ('jobs = "2"', "jobs = '2'"),
        ("jobs = -1", "jobs = -1"),
        ("jobs = 1.5", "jobs = 1.5"),
        ("jobs = true", "jobs = True"),
        ("jobs = nan", "jobs = nan"),
        ("[jobs]\nn = 2", "jobs = {'n': 2}"),
        ('cores = "4"', "cores = '4'"),
        ("cores = 0\nprocesses = 0", "processes = 0"),
        ("coers = 4", "coers is no option (cores is)"),
        ("job = 4", "job is no option (jobs is)"),
        ("memory = 4", "memory = 4"),
        ("walltime = 08:00:00", "walltime"),
        ('worker_extra_args = "x"', "worker_extra_args = 'x'"),
        ("job_extra_directives = [1]", "job_extra_directives = [1]"),
        ("scheduler_options = 3", "scheduler_options = 3"),
        ("n_workers = 3", "n_workers is no option"),
        ('resource_spec = "select=1"', "resource_spec is no option"),
    ],
)
def test_a_wrong_option_is_named(queue, line, named):
    with raises("invalid option", "options.toml", named):
        queue(line)


def test_no_job_at_all_is_refused_before_anything_waits_for_it(queue):
    with raises("invalid option", "jobs = 0"), queue("jobs = 0"):
        pass


def test_all_faults_are_named_at_once(queue):
    with raises("invalid option", "coers", "jobs = '2'", "memory = 4"):
        queue('coers = 1\njobs = "2"\nmemory = 4')


@pytest.mark.parametrize(
    "content",
    [
        GOOD,
        b"\xef\xbb\xbf" + GOOD.encode(),
        GOOD.replace("\n", "\r\n"),
        "",
        "# nothing but a comment",
    ],
    ids=["plain", "byte order mark", "Windows", "empty", "comment"],
)
def test_a_good_file_is_read_however_it_was_saved(queue, content):
    assert queue(content)._wanted == (2 if "jobs" in str(content) else 1)


def test_each_batch_system_has_its_own_options(queue):
    assert queue('resource_spec = "select=1"\n' + GOOD, "pbs")._wanted == 2


def test_what_is_no_file_is_said(tmp_path):
    for place in (tmp_path, tmp_path / "none.toml"):
        with raises("cannot read", place):
            job_queue("slurm", place)


@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.binary(max_size=40) | st.text(max_size=40).map(str.encode))
def test_no_content_ends_in_a_traceback(queue, content):
    with suppress(MerError):
        queue(content)


@pytest.mark.parametrize(
    "line", ['config_name = "x"', 'silence_logs = "x"', f"processes = {10**21}\ncores = {10**21}"]
)
def test_what_dask_jobqueue_stumbles_over_is_an_error_with_a_remedy(queue, line):
    """Found by fuzzing: it looks such names up, and makes a list of so many processes."""
    with raises("invalid option", "options.toml"), queue(line + '\nmemory = "1GB"'):
        pass
