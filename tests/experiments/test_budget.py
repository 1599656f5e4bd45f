"""A budget: what fits, in which order, as which command; a run that stops in time."""

from __future__ import annotations

import pytest
from helpers import raises
from typer.testing import CliRunner

from mer_utils.cli.main import app
from mer_utils.experiments import TABLES, budget, open_workspace


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Outlines of a profile of three seeds, and an empty store."""
    folder = tmp_path_factory.mktemp("budget")
    places = (folder / "data", folder / "store")
    return open_workspace("smoke --seeds 3", *places, datasets=["casme2"], outlines=folder)


def cost(jobs):
    """A second per fold of a network of the first seed, two of the second, three of the third."""
    return sum(1.0 + job.spec.seed for job in jobs if "svm" not in job.spec.model.name)


def fit(made, seconds, tables=("table3", "table2", "table4")):
    return budget.fit(made, tables, seconds, cost)


def test_all_of_it_is_one_command_with_the_primary_question_first(made):
    (part,) = fit(made, 1e9)
    assert part.tables == ("table2", "table4", "table3")
    assert part.command.startswith("mer run table2 table4 table3 --profile smoke --seeds 3")
    everything = {job for table in part.tables for job in made.missing(made.specs(table))}
    assert set(part.jobs) == everything
    assert len(part.jobs) == len(everything)  # what tables share is counted once
    assert part.seconds == pytest.approx(cost(part.jobs))


@pytest.mark.parametrize("share", [0.05, 0.2, 0.4, 0.6, 0.9])
def test_what_is_chosen_fits_and_a_seed_more_would_not(made, share):
    seconds = share * fit(made, 1e9)[0].seconds
    parts = fit(made, seconds)
    assert 0 < sum(part.seconds for part in parts) <= seconds
    assert parts[0].tables[0] == "table2"
    jobs = [job for part in parts for job in part.jobs]
    assert len(set(jobs)) == len(jobs)
    for part in parts:
        # The command means the folds that were counted, or more that are counted elsewhere.
        specs = [spec for table in part.tables for spec in part.workspace.specs(table)]
        assert {job.spec.key for job in part.jobs} <= {spec.key for spec in specs}
        assert {spec.seed for spec in specs} == set(part.workspace.profile.seeds)


def test_where_one_seed_is_too_much_the_models_that_take_least_are_chosen(made):
    whole = [job for job in made.missing(made.specs("table2")) if job.spec.seed == 0]
    (part,) = fit(made, cost(whole) / 2)
    assert "--seeds 1" in part.command
    chosen = part.workspace.profile.only
    assert {"svm_hog", "svm_pixels"} < set(chosen)
    assert set(chosen) < set(made.profile.networks) | set(made.profile.baselines)
    assert {job.spec.model.name for job in part.jobs} == set(chosen)


def test_a_budget_in_which_nothing_fits_names_what_the_least_takes(made):
    with raises("invalid option", "mer run table2") as error:
        budget.fit(made, ["table2"], 59, lambda jobs: 120.0 * len(jobs))
    assert "or more, which" in str(error.value)


def test_nothing_missing_is_no_error(made):
    assert budget.fit(made, [], 1, cost) == []


def test_every_table_has_a_place_in_the_order():
    assert set(budget.FIRST) <= set(TABLES)


@pytest.mark.parametrize("text", ["", "8", "h", "-1h", "0h", "8 hours", "1e3h"])
def test_a_budget_that_is_no_time_is_refused(text):
    with raises("invalid option", "--budget"):
        budget.parse(text)


def test_a_plan_prints_the_command_and_a_run_stops_in_time(twins, tmp_path, monkeypatch):
    monkeypatch.setattr("mer_utils.runs.plan.seconds_per_image", lambda *a: 1e-4)
    places = ["--profile", "smoke", "--data-root", str(twins), "--store", str(tmp_path / "s")]

    def mer(command, budget):
        told = CliRunner().invoke(app, [command, "table2", *places, "--budget", budget])
        assert told.exit_code == 0, told.output
        return told.output

    assert "mer run table2 --profile smoke --store" in mer("plan", "1h")
    assert "The time is up" in mer("run", "1s")  # while views were made, or a little later
