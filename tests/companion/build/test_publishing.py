"""What publishes the book says what the README says, and lets nothing run away."""

from __future__ import annotations

import re
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[3]
FILE = ROOT / ".github" / "workflows" / "pages.yml"
# YAML 1.1 reads the key "on" as True.
FLOW = yaml.safe_load(FILE.read_text(encoding="utf-8"))
STEPS = [step for job in FLOW["jobs"].values() for step in job["steps"]]


def test_the_workflow_runs_the_commands_of_the_readme():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"^## Two commands\n.*?```sh\n(.*?)```", readme, re.S | re.M)
    commands = [line.split("#")[0].strip() for line in block.splitlines()]
    run = [step["run"] for step in STEPS if step.get("run", "").startswith("make")]
    assert run == commands


def test_actions_are_pinned_and_every_job_may_do_little_and_ends():
    uses = [step["uses"] for step in STEPS if "uses" in step]
    assert len(uses) >= 5
    assert all(re.fullmatch(r"actions/[\w-]+@v\d+", name) for name in uses)
    assert FLOW["permissions"] == {"contents": "read"}
    assert FLOW["jobs"]["publish"]["permissions"] == {"pages": "write", "id-token": "write"}
    assert "permissions" not in FLOW["jobs"]["build"]
    assert all("timeout-minutes" in job for job in FLOW["jobs"].values())
    assert FLOW["concurrency"]["group"]
    assert FLOW["jobs"]["publish"]["needs"] == "build"


def test_the_built_site_is_what_is_published():
    (upload,) = [s for s in STEPS if s.get("uses", "").startswith("actions/upload-pages")]
    assert upload["with"]["path"] == "build/html"


def test_a_workflow_never_reads_licensed_data():
    assert not re.search(r"MER_\w+_ROOT", FILE.read_text(encoding="utf-8"))


def test_the_citation_file_is_shown_and_not_typed():
    page = (ROOT / "book" / "bibliography.md").read_text(encoding="utf-8")
    assert "```{literalinclude} CITATION.cff" in page
    assert yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))["references"]
