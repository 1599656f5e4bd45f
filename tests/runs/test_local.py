"""Many folds: here or by workers, disturbed or not, the store ends with the same bytes."""

from __future__ import annotations

import pickle
import subprocess
import sys
import time

import psutil
import pytest
import stand_ins
import torch
from helpers import raises

from mer_utils.runs import Job, Outcome, RunStore, run
from mer_utils.runs.local import Local
from mer_utils.runs.run import IN_A_ROW


class Scripted(Local):
    """Give each job the outcomes that a test wrote down for it, one a round."""

    def __init__(self, script: dict[str, list[str]]) -> None:
        super().__init__()
        self.script, self.rounds = script, []

    def outcomes(self, jobs, context, *, wait_for_others):
        self.rounds.append((len(jobs), wait_for_others))
        for job in jobs:
            yield Outcome(job, self.script[job.held_out].pop(0), error="why")


@pytest.fixture
def three(jobs) -> list[Job]:
    return jobs[:3]


def test_what_failed_or_was_busy_is_tried_once_more(three, context):
    a, b, c = (job.held_out for job in three)
    executor = Scripted({a: ["failed", "done"], b: ["busy", "present"], c: ["failed", "failed"]})
    seen = []
    report = run(three, context, executor=executor, on_outcome=lambda o: seen.append(o.status))
    assert executor.rounds == [(3, False), (3, True)]
    assert (report.done, report.present) == (1, 1)
    assert [o.job.held_out for o in report.failed] == [c]
    assert seen == ["failed", "busy", "failed", "done", "present", "failed"]
    assert list(RunStore(context.store).failures([three[0].spec]).values()) == ["why"]


def test_a_run_stops_when_the_store_takes_no_more(three, context):
    a, b, c = (job.held_out for job in three)
    executor = Scripted({a: ["done"], b: ["unwritable"], c: []})
    with raises("cannot write", context.store):
        run(three, context, executor=executor)


def test_a_read_only_store_is_reported_before_anything_is_computed(three, context, monkeypatch):
    def refuses(*args, **kwargs):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("mer_utils.files.os.open", refuses)
    executor = Scripted({})
    with raises("cannot write", "Permission denied"):
        run(three, context, executor=executor)
    assert executor.rounds == []


def test_one_failing_fold_does_not_stop_the_others(three, context):
    bad = Job(three[0].spec, "nobody")
    report = run([bad, *three], context)
    assert report.done == 3
    assert [o.job for o in report.failed] == [bad]


def test_a_model_that_there_is_not_is_refused_before_anything_is_computed(three, context):
    model = three[0].spec.model
    with raises("unknown name", "lernet", "learnet"):
        model.model_copy(update={"name": "lernet"})
    # Nor one that was built around that check.
    wrong = type(model).model_construct(**dict(model) | {"name": "lernet"})
    spec = type(three[0].spec).model_construct(**dict(three[0].spec) | {"model": wrong})
    executor = Scripted({})
    with raises("unknown name", "lernet", "learnet"):
        run([Job(spec, three[0].held_out)], context, executor=executor)
    assert executor.rounds == []


def test_a_second_run_computes_nothing(jobs, context):
    assert run(jobs, context).done == len(jobs)
    again = run(jobs, context)
    assert (again.done, again.present) == (0, len(jobs))


def test_two_workers_store_the_bytes_of_one_even_if_killed_at_work(jobs, context, stored, expected):
    """Each of the first two workers seen is killed by -9; their folds start again."""
    killed = []

    def kill_a_worker(outcome):
        children = psutil.Process().children()
        workers = [c for c in children if c.pid not in killed and "spawn_main" in str(c.cmdline())]
        if len(killed) < 2 and workers:
            killed.append(workers[0].pid)
            workers[0].kill()

    report = run(jobs, context, workers=2, on_outcome=kill_a_worker)
    assert report.failed == []
    assert len(killed) == 2
    assert stored(jobs) == expected


def test_a_fold_that_kills_its_workers_is_given_up_and_harms_no_other(three, context, monkeypatch):
    monkeypatch.setattr("mer_utils.runs.local.LIVES", 2)
    monkeypatch.setattr("mer_utils.runs.local.run_fold", stand_ins.die_or_report)
    deadly = Job(three[0].spec, "deadly")
    with Local(2) as workers:
        made = list(workers.outcomes([deadly, *three], context, wait_for_others=False))
    status = {outcome.job.held_out: outcome.status for outcome in made}
    assert status == {"deadly": "failed"} | {job.held_out: "present" for job in three}
    assert "died 2 times" in next(o.error for o in made if o.status == "failed")


def test_every_worker_knows_its_number(three, context, monkeypatch):
    monkeypatch.setattr("mer_utils.runs.local.run_fold", stand_ins.report_worker)
    with Local(3) as workers:
        made = list(workers.outcomes(three, context, wait_for_others=False))
    assert sorted(outcome.error for outcome in made) == ["0", "1", "2"]


@pytest.mark.scenario("K")
def test_a_worker_whose_gpu_fails_is_replaced_and_no_fold_is_lost(
    three, context, monkeypatch, caplog
):
    monkeypatch.setattr("mer_utils.runs.local.run_fold", stand_ins.broken_at_first)
    many = [Job(three[0].spec, str(n)) for n in range(20)]
    with Local(2) as workers:
        made = list(workers.outcomes(many, context, wait_for_others=False))
    assert sorted(o.job.held_out for o in made) == sorted(job.held_out for job in many)
    assert {outcome.status for outcome in made} == {"done"}
    assert caplog.text.count("GPU failed a worker") == 1


@pytest.mark.scenario("K")
def test_one_worker_whose_gpu_fails_goes_on_in_a_process_of_its_own(three, context, monkeypatch):
    monkeypatch.setattr("mer_utils.runs.local.run_fold", stand_ins.broken_at_first)
    with Local(1) as here:
        made = list(here.outcomes(three, context, wait_for_others=False))
    assert [outcome.status for outcome in made] == ["done"] * 3


@pytest.mark.scenario("K")
def test_where_memory_is_short_fewer_workers_go_on(three, context, monkeypatch, caplog):
    monkeypatch.setattr("mer_utils.runs.local.run_fold", stand_ins.short_of_memory)
    many = [Job(three[0].spec, str(n)) for n in range(12)]
    with Local(4) as workers:
        made = list(workers.outcomes(many, context, wait_for_others=False))
        assert len(workers._pools) >= 2
    assert sorted(o.job.held_out for o in made) == sorted(job.held_out for job in many)
    assert {outcome.status for outcome in made} == {"done"}
    assert "3 worker(s) instead of 4" in caplog.text
    assert 1 <= caplog.text.count("Memory is short") <= 2


@pytest.mark.scenario("K")
@pytest.mark.parametrize("workers", [1, 2])
def test_where_one_worker_is_short_of_memory_a_batch_goes_in_parts(
    three, context, monkeypatch, caplog, workers
):
    monkeypatch.setattr("mer_utils.runs.local.run_fold", stand_ins.short_for_whole_batches)
    with Local(workers) as local:
        made = list(local.outcomes(three, context, wait_for_others=False))
        assert len(local._pools) == workers - 1
    assert [outcome.status for outcome in made] == ["done"] * 3
    assert caplog.text.count("4 images of a batch") == 1


@pytest.mark.scenario("K")
@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (MemoryError(), "memory"),
        (torch.OutOfMemoryError("CUDA out of memory"), "memory"),
        (RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory"), "memory"),
        (RuntimeError("CUDA error: out of memory"), "memory"),
        (RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling"), "memory"),
        (RuntimeError("CUDA error: an illegal memory access was encountered"), "device"),
        (torch.AcceleratorError("CUDA error: unspecified launch failure"), "device"),
        (RuntimeError("cuDNN error: CUDNN_STATUS_EXECUTION_FAILED"), "device"),
        (RuntimeError("mat1 and mat2 shapes cannot be multiplied"), ""),
        (ValueError("Input contains NaN"), ""),
    ],
)  # fmt: skip
def test_what_failed_is_told_from_the_fold(three, context, error, kind):
    outcome = stand_ins.failing(three[0], context, error)
    assert (outcome.status, outcome.cause) == ("failed", kind)
    assert bool(kind) == ("Traceback" not in outcome.error)


@pytest.mark.scenario("K")
def test_a_run_stops_after_many_failures_in_a_row_with_the_first_cause(three, context):
    many = [Job(three[0].spec, f"{n:03}") for n in range(105)]
    executor = Scripted({job.held_out: ["failed", "failed"] for job in many})
    seen = []
    with raises("folds failed", "held_out=000", f"{IN_A_ROW} folds", "why"):
        run(many, context, executor=executor, on_outcome=seen.append)
    assert len(seen) == IN_A_ROW
    assert len(RunStore(context.store).failures([three[0].spec])) == IN_A_ROW
    some = {job.held_out: ["failed", "failed"] for job in many}
    some |= {job.held_out: ["done"] for job in many[20::20]}
    report = run(many, context, executor=Scripted(some))
    assert (report.done, len(report.failed)) == (5, 100)


@pytest.mark.scenario("K")
def test_a_fold_that_hangs_is_said(three, context, monkeypatch, caplog):
    monkeypatch.setattr("mer_utils.runs.local.run_fold", stand_ins.slow)
    monkeypatch.setattr("mer_utils.runs.local.LOOK_SECONDS", 0.05)
    monkeypatch.setattr("mer_utils.runs.local.HANG_SECONDS", 0.1)
    monkeypatch.setattr("mer_utils.runs.local.HANG_TIMES", 0)
    with Local(2) as workers:
        made = list(workers.outcomes(three[:1], context, wait_for_others=False))
    assert [outcome.status for outcome in made] == ["done"]
    assert caplog.text.count("has been at work for") == 1


UNGUARDED = """
import pickle, sys, pathlib
print("started", flush=True)
from mer_utils import errors, runs, synthetic
try:
    jobs, context, folder = pickle.loads(pathlib.Path(sys.argv[1]).read_bytes())
    if folder:
        synthetic.write("casme2", folder, subjects=3, clips_per_subject=5, workers=2)
    else:
        runs.run(jobs, context, workers=2)
except errors.MerError as error:
    print("KIND", error.kind)
"""


@pytest.mark.scenario("J")
@pytest.mark.parametrize(("how", "what"), [("file", "run"), ("standard input", "synthetic")])
def test_workers_of_a_script_that_would_run_again_are_refused(how, what, three, context, tmp_path):
    folder = tmp_path / "twin" if what == "synthetic" else None
    (tmp_path / "what.pickle").write_bytes(pickle.dumps((three, context, folder)))
    script = tmp_path / "script.py"
    script.write_text(UNGUARDED)
    done = subprocess.run(
        [sys.executable, script if how == "file" else "-", tmp_path / "what.pickle"],
        input=None if how == "file" else UNGUARDED, capture_output=True, text=True, timeout=600,
    )  # fmt: skip
    assert "KIND unguarded script" in done.stdout, done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout.count("started") <= 3  # this script, and once in each worker
    assert not list(tmp_path.rglob("held_out=*.parquet"))


RUN = (
    "import pickle, sys\n"
    "from mer_utils.runs import run\n"
    "if __name__ == '__main__':\n"
    "    jobs, context, workers = pickle.load(open(sys.argv[1], 'rb'))\n"
    "    run(jobs, context, workers=workers, on_outcome=lambda o: print(o.status, flush=True))\n"
)


def test_a_run_that_is_killed_leaves_no_worker_and_goes_on(
    jobs, context, stored, expected, tmp_path
):
    many = [*jobs, *(Job(j.spec.model_copy(update={"seed": s}), j.held_out)
                     for s in range(1, 40) for j in jobs)]  # fmt: skip
    (tmp_path / "run.py").write_text(RUN)
    (tmp_path / "what.pickle").write_bytes(pickle.dumps((many, context, 2)))
    process = subprocess.Popen(
        [sys.executable, tmp_path / "run.py", tmp_path / "what.pickle"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout.readline() == "done\n"
    workers = psutil.Process(process.pid).children(recursive=True)
    process.kill()
    _, errors = process.communicate(timeout=300)
    assert "Traceback" not in errors
    _, alive = psutil.wait_procs(workers, timeout=300)
    assert alive == []
    before = stored(jobs)
    assert len(stored(many)) < len(many)
    report = run(jobs, context)
    assert report.present == len(before) >= 1
    assert report.done == len(jobs) - len(before)
    assert stored(jobs) == expected


def test_when_the_time_is_up_the_fold_at_work_is_finished_and_no_other_begins(three, context):
    report = run(three, context, until=time.monotonic())
    assert (report.done, report.stopped, report.failed) == (1, True, [])
    report = run(three, context, until=time.monotonic() + 1e4)
    assert (report.done, report.present, report.stopped) == (2, 1, False)
