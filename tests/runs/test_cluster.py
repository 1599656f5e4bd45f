"""A Dask cluster of separate processes: the same bytes as here, and clear refusals."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from types import SimpleNamespace

import pytest
from distributed import Future
from distributed.comm import CommClosedError
from helpers import raises

from mer_utils.runs import cluster, open_executor, run
from mer_utils.runs.cluster import Admission, DaskExecutor
from mer_utils.runs.job_queue import job_queue


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


def start(kind: str, *arguments: object) -> subprocess.Popen:
    """Start a Dask scheduler or worker in a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", f"distributed.cli.dask_{kind}", *map(str, arguments)],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip


@contextmanager
def scheduler():
    """Run a scheduler; yield its process, with its address."""
    port = free_port()
    process = start("scheduler", "--no-dashboard", "--host", "127.0.0.1", "--port", port)
    process.address = f"tcp://127.0.0.1:{port}"
    for _ in range(3000):
        try:
            socket.create_connection(("127.0.0.1", port)).close()
            break
        except OSError:
            time.sleep(0.1)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


@contextmanager
def workers_of(address: str, *arguments: object):
    worker = start("worker", address, "--nthreads", 1, "--no-dashboard", *arguments)
    try:
        yield worker
    finally:
        worker.terminate()
        worker.wait(300)


@pytest.fixture(scope="module")
def two():
    """An executor on two worker processes, which are started again when they die."""
    with (
        scheduler() as running,
        workers_of(running.address, "--nworkers", 2),
        open_executor("dask", scheduler=running.address) as executor,
    ):
        executor._client.wait_for_workers(2, timeout=600)
        yield executor


@pytest.fixture
def empty_scheduler():
    """A scheduler without workers."""
    with scheduler() as process:
        yield process


def worker_pids(executor: DaskExecutor) -> set[int]:
    return set(executor._client.run(os.getpid).values())


def test_two_processes_store_the_bytes_of_one_and_one_that_is_lost_is_regained(
    two, jobs, context, stored, expected
):
    killed = []

    def kill_a_worker(outcome):
        if not killed:
            killed.extend(worker_pids(two))
            assert len({*killed, os.getpid()}) == 3
            os.kill(killed[0], 9)

    report = run(jobs, context, executor=two, on_outcome=kill_a_worker)
    assert report.failed == []
    assert stored(jobs) == expected
    two._client.wait_for_workers(2, timeout=600)
    assert len(worker_pids(two) - set(killed)) == 1


@pytest.mark.scenario("J")
def test_a_connection_that_breaks_while_a_result_is_fetched_is_named_and_nothing_is_lost(
    two, jobs, context, stored, expected, monkeypatch
):
    def breaks(_):
        raise CommClosedError("reset by peer")

    with monkeypatch.context() as broken, raises("no cluster", "lost", "reset by peer"):
        broken.setattr(Future, "result", breaks)
        run(jobs, context, executor=two)
    run(jobs, context, executor=two)
    assert stored(jobs) == expected


def test_a_scheduler_that_runs_already_is_used_and_left_running(two, jobs, context, stored):
    address = two._client.scheduler.address
    with open_executor("dask", scheduler=address) as guest:
        assert run(jobs[:1], context, executor=guest).done == 1
    assert len(stored(jobs)) == 1
    assert len(worker_pids(two)) == 2


def test_workers_with_other_versions_are_turned_away(two, jobs, context, monkeypatch):
    monkeypatch.setattr(cluster, "_versions", lambda: {"timm": "0.0.1"})
    with raises("no cluster", "timm 0.0.1"):
        run(jobs, context, executor=two)


def test_workers_that_do_not_see_the_store_are_turned_away(two, tmp_path):
    elsewhere = Admission(cluster._versions(), tmp_path / "not there", "secret")
    with raises("no cluster", tmp_path):
        two._client.register_plugin(elsewhere)


def test_workers_of_several_threads_are_turned_away(tmp_path):
    (tmp_path / "token").write_text("secret")
    admission = Admission(cluster._versions(), tmp_path / "token", "secret")
    worker = SimpleNamespace(address="tcp://w", state=SimpleNamespace(nthreads=1))
    admission.setup(worker)
    worker.state.nthreads = 2
    with raises("no cluster", "2 threads"):
        admission.setup(worker)


def test_a_gpu_is_demanded_of_workers_that_offer_one(two, jobs, context):
    demanding = replace(context, device="cuda", store=context.store / "gpu")
    with raises("no device"):
        run(jobs[:1], demanding, executor=two)

    async def offer(dask_worker):
        await dask_worker.set_resources(GPU=1)

    first, _ = two._client.scheduler_info(n_workers=-1)["workers"]
    two._client.run(offer, workers=[first])
    outcomes = two.outcomes(jobs[:2], demanding, wait_for_others=False)
    # The folds reached the worker, which then found no device; they never ran on the CPU.
    assert all("0 GPU(s) are visible" in outcome.error for outcome in outcomes)


@pytest.mark.scenario("K")
def test_workers_of_one_machine_take_its_gpus_in_turn(two):
    from mer_utils.runs.cluster import _number

    numbers = two._client.run(_number)
    assert sorted(numbers.values()) == [0, 1]
    assert two._client.run(_number) == numbers


@pytest.mark.scenario("K")
def test_a_worker_whose_gpu_fails_is_ended_and_no_fold_is_lost(
    two, jobs, context, stored, expected, caplog
):
    def break_device():
        from mer_utils.runs import fold

        def fails(*arguments):
            raise RuntimeError("CUDA error: device-side assert triggered")

        fold.compute_fold = fails

    broken, _ = two._client.scheduler_info(n_workers=-1)["workers"]
    before = worker_pids(two)
    two._client.run(break_device, workers=[broken])
    report = run(jobs, context, executor=two)
    # A fold whose worker ended before its word arrived is found in the store.
    assert (report.done + report.present, report.failed) == (len(jobs), [])
    assert stored(jobs) == expected
    assert "GPU failed the worker" in caplog.text
    two._client.wait_for_workers(2, timeout=600)
    assert len(worker_pids(two) & before) == 1


IMPATIENT = (
    "import sys; from mer_utils.runs import cluster; from mer_utils.cli.main import main\n"
    "cluster.COUNT_SECONDS, cluster.ALONE_SECONDS = 0.2, 1\n"
    "main()\n"
)


def test_a_cluster_without_workers_says_so_and_waits_until_it_is_stopped(
    empty_scheduler, twins, tmp_path
):
    process = subprocess.Popen(
        [sys.executable, "-c", IMPATIENT, "run", "table2", "--profile", "smoke",
         "--models", "svm_hog", "--data-root", twins, "--store", tmp_path / "store",
         "--executor", "dask", "--scheduler", empty_scheduler.address],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True,
    )  # fmt: skip
    told = []
    for line in process.stdout:
        if "no Dask worker has been there" in line:
            told.append(line)
        if len(told) == 2:  # it goes on waiting, and says so again
            break
    assert "1 wanted" in told[0]
    assert f"dask worker {empty_scheduler.address} --nthreads 1" in told[0]
    started = time.monotonic()
    os.killpg(process.pid, signal.SIGINT)
    output, _ = process.communicate(timeout=300)
    assert time.monotonic() - started < 60
    assert process.returncode == 130, output
    assert "Nothing is lost" in output
    assert "Traceback" not in output
    assert empty_scheduler.poll() is None
    assert not list(tmp_path.rglob("*.parquet"))


def test_importing_the_batch_systems_leaves_ctrl_c_alone():
    """dask-jobqueue would have it exit with code 0, as if the run were complete."""
    code = (
        "import signal\nbefore = [signal.getsignal(s) for s in (2, 15)]\n"
        "import mer_utils.runs.job_queue, dask_jobqueue\n"
        "assert [signal.getsignal(s) for s in (2, 15)] == before\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_worker_that_comes_late_computes_all(
    empty_scheduler, jobs, context, stored, expected, monkeypatch, caplog
):
    monkeypatch.setattr(cluster, "COUNT_SECONDS", 0.2)
    monkeypatch.setattr(cluster, "ALONE_SECONDS", 0.5)

    def start_when_missed():
        while "no Dask worker has been there" not in caplog.text:
            time.sleep(0.1)
        late.enter_context(workers_of(empty_scheduler.address, "--no-nanny"))

    helper = threading.Thread(target=start_when_missed, daemon=True)
    helper.start()
    with ExitStack() as late:
        with open_executor("dask", scheduler=empty_scheduler.address) as executor:
            assert run(jobs, context, executor=executor).failed == []
        helper.join(300)
    assert stored(jobs) == expected


def test_a_scheduler_that_dies_is_named_and_the_run_ends(
    empty_scheduler, jobs, context, monkeypatch, caplog
):
    monkeypatch.setattr(cluster, "COUNT_SECONDS", 0.2)
    monkeypatch.setattr(cluster, "ALONE_SECONDS", 0.2)

    def kill_while_it_waits():
        while "no Dask worker has been there" not in caplog.text:
            time.sleep(0.1)
        empty_scheduler.kill()

    with open_executor("dask", scheduler=empty_scheduler.address) as executor:
        threading.Thread(target=kill_while_it_waits, daemon=True).start()
        with raises("no cluster", "lost"):
            run(jobs, context, executor=executor)


def test_something_else_that_listens_is_no_scheduler(monkeypatch):
    monkeypatch.setattr(cluster, "CONNECT_SECONDS", 1)
    with socket.create_server(("127.0.0.1", 0)) as other:
        address = f"tcp://127.0.0.1:{other.getsockname()[1]}"
        with raises("no cluster", address), open_executor("dask", scheduler=address):
            pass


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:1", "nonsense", "tcp://no.such.host:8786"])
def test_a_wrong_scheduler_address_is_named(address, monkeypatch):
    monkeypatch.setattr(cluster, "CONNECT_SECONDS", 1)
    with raises("no cluster", address), open_executor("dask", scheduler=address):
        pass


@pytest.mark.parametrize(
    ("kind", "arguments", "named"),
    [
        ("unknown name", {"name": "grid"}, "local, dask, slurm, pbs"),
        ("invalid option", {"name": "local", "scheduler": "tcp://a:1"}, "--scheduler"),
        ("invalid option", {"name": "dask"}, "--scheduler"),
        ("invalid option", {"name": "slurm"}, "--cluster-options"),
        (
            "invalid option",
            {"name": "dask", "scheduler": "tcp://a:1", "cluster_options": "x.toml"},
            "--cluster-options",
        ),
    ],
)
def test_options_that_do_not_go_together(kind, arguments, named):
    with raises(kind, named):
        open_executor(**arguments)


@pytest.mark.parametrize(
    ("name", "lacking", "extra"),
    [("local", "torch", "train"), ("dask", "distributed", "cluster")],
)
def test_an_extra_that_is_not_installed_is_named(name, lacking, extra, monkeypatch):
    monkeypatch.setitem(sys.modules, lacking, None)
    with raises("missing extra", f'pip install "mer-utils[{extra}]"'):
        open_executor(name, scheduler="tcp://a:1" if name == "dask" else None)


# As the real ones, it keeps a copy: dask-jobqueue removes the script once it is submitted.
SUBMIT = """#!/bin/sh
cp "$1" "$0.$$"
setsid sh "$0.$$" > "$0.$$.log" 2>&1 &
echo "Submitted batch job $!"
"""
CANCEL = """#!/bin/sh
kill -- -"$1"
"""


@pytest.fixture
def batch_system(tmp_path, monkeypatch):
    """Commands with SLURM's and PBS's names that start the job scripts right here."""
    commands = tmp_path / "bin"
    commands.mkdir()
    for name, script in {"sbatch": SUBMIT, "scancel": CANCEL, "qsub": SUBMIT}.items():
        (commands / name).write_text(script)
        (commands / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(commands), prepend=os.pathsep)
    return commands


def options(tmp_path, text):
    file = tmp_path / "cluster.toml"
    file.write_text(text)
    return file


def test_slurm_jobs_compute_the_same_bytes(batch_system, jobs, context, stored, expected, tmp_path):
    file = options(
        tmp_path,
        f'cores = 1\nmemory = "3GB"\nwalltime = "00:10:00"\nqueue = "short"\n'
        f'python = "{sys.executable}"\njobs = 1\n[scheduler_options]\nhost = "127.0.0.1"\n',
    )
    executor = open_executor("slurm", cluster_options=file)
    with executor:
        assert run(jobs, context, executor=executor).failed == []
        assert os.getpid() not in worker_pids(executor)
    assert stored(jobs) == expected


@pytest.mark.parametrize(
    ("kind", "expected_lines"),
    [
        ("slurm", ["#SBATCH -p gpu", "#SBATCH --gres=gpu:1", "--nworkers 3", "--resources GPU=1"]),
        ("pbs", ["#PBS -q gpu", "#PBS --gres=gpu:1", "--nworkers 3", "--resources GPU=1"]),
    ],
)
def test_job_scripts_ask_for_what_the_file_says(
    batch_system, tmp_path, kind, expected_lines, monkeypatch
):
    """Three workers share the job's one GPU."""
    monkeypatch.setattr("dask_jobqueue.core.JobQueueCluster.adapt", lambda *a, **k: None)
    file = options(
        tmp_path,
        'cores = 3\nmemory = "8GB"\nqueue = "gpu"\njob_extra_directives = ["--gres=gpu:1"]\n'
        '[scheduler_options]\nhost = "127.0.0.1"\n',
    )
    with job_queue(kind, file, gpu=True)._cluster() as made:
        script = made.job_script()
    assert "--nthreads 1" in script
    for line in expected_lines:
        assert line in script


@pytest.mark.scenario("J")
@pytest.mark.parametrize(("kind", "command"), [("slurm", "sbatch"), ("pbs", "qsub")])
def test_a_batch_system_that_refuses_is_quoted(
    batch_system, jobs, context, tmp_path, kind, command, capfd, caplog
):
    words = "error: Batch job submission failed: Invalid account or account/partition combination"
    (batch_system / command).write_text(f"#!/bin/sh\necho '{words}' >&2; exit 1\n")
    file = options(
        tmp_path,
        'cores = 1\nmemory = "2GB"\njobs = 2\n[scheduler_options]\nhost = "127.0.0.1"\n',
    )
    with (
        raises("no cluster", command, words),
        open_executor(kind, cluster_options=file) as executor,
    ):
        run(jobs, context, executor=executor)
    assert "Traceback" not in capfd.readouterr().err
    assert {r.levelname for r in caplog.records if r.name.startswith("distributed")} <= {"WARNING"}


@pytest.mark.scenario("J")
def test_one_job_that_is_refused_among_others_is_said(caplog):
    submissions = cluster.Submissions("sbatch", accepted=1, refused=["QOSMaxSubmitJobPerUserLimit"])
    submissions.tell()
    submissions.tell()
    assert caplog.text.count("QOSMaxSubmitJobPerUserLimit") == 1


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("cannot read", "cores = "),
        ("invalid option", 'cores = 4\nprocesses = 2\nmemory = "1GB"'),
        # What dask-jobqueue refuses.
        ("invalid option", 'cores = 1\nmemory = "1GB"\ncolour = "red"'),
        ("invalid option", "cores = 1"),
    ],
)
def test_impossible_cluster_options(batch_system, tmp_path, kind, text):
    file = options(tmp_path, text)
    with raises(kind, file), job_queue("slurm", file):
        pass


def test_a_machine_without_the_batch_system(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with raises("missing program", "sbatch"):
        job_queue("slurm", options(tmp_path, "cores = 1"))
    with raises("cannot read", "none.toml"):
        job_queue("slurm", tmp_path / "none.toml")
