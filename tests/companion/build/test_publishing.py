"""What checks and publishes the book says what the README says, and lets nothing run away."""

from __future__ import annotations

import ast
import re
import tomllib
from pathlib import Path

import pytest
import yaml

from companion.build import prepare

ROOT = Path(__file__).parents[3]
FLOWS = {
    path.stem: yaml.safe_load(path.read_text("utf-8"))
    for path in (ROOT / ".github" / "workflows").glob("*.yml")
}
FORMS = sorted((ROOT / ".github" / "ISSUE_TEMPLATE").glob("*.yml"))


def steps(flow: dict) -> list[dict]:
    return [step for job in flow["jobs"].values() for step in job["steps"]]


def commands_of_the_readme() -> list[str]:
    readme = (ROOT / "README.md").read_text("utf-8")
    (block,) = re.findall(r"^## Two commands\n.*?```sh\n(.*?)```", readme, re.S | re.M)
    return [line.split("#")[0].strip() for line in block.splitlines()][:2]


@pytest.mark.parametrize("name", FLOWS)
def test_a_workflow_runs_the_commands_of_the_readme_and_may_do_little(name):
    flow = FLOWS[name]
    run = [s["run"] for s in steps(flow) if s.get("run", "").startswith("make")]
    assert [command for command in run if command != "make lint"] == commands_of_the_readme()
    uses = [step["uses"] for step in steps(flow) if "uses" in step]
    assert all(re.fullmatch(r"actions/[\w-]+@v\d+", action) for action in uses)
    assert flow["permissions"] == {"contents": "read"}
    assert all("timeout-minutes" in job for job in flow["jobs"].values())
    assert flow["concurrency"]["group"]
    assert not re.search(r"MER_\w+_ROOT", str(flow))  # it never reads licensed data


def test_pull_requests_are_checked_and_only_main_is_published():
    # YAML 1.1 reads the key "on" as True.
    assert "pull_request" in FLOWS["checks"][True]
    assert FLOWS["pages"][True]["push"] == {"branches": ["main"]}
    publish = FLOWS["pages"]["jobs"]["publish"]
    assert publish["permissions"] == {"pages": "write", "id-token": "write"}
    assert publish["needs"] == "build"
    assert "permissions" not in FLOWS["pages"]["jobs"]["build"]
    (upload,) = [s for s in steps(FLOWS["pages"]) if "upload-pages" in s.get("uses", "")]
    assert upload["with"]["path"] == "build/html"


def test_hooks_are_the_commands_of_make_lint():
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text("utf-8"))["repos"]
    assert [repo["repo"] for repo in hooks] == ["local"]  # nothing is downloaded
    makefile = (ROOT / "Makefile").read_text("utf-8")
    lint = re.search(r"^lint:.*\n((?:\t.*\n)+)", makefile, re.M)[1].replace("$(BIN)", ".venv/bin")
    found = [hook["entry"] for hook in hooks[0]["hooks"]]
    assert len(found) == len(lint.splitlines())
    assert [entry for entry in found if entry not in lint] == []


def test_forms_of_issues_ask_for_something_and_warn_of_licensed_data():
    forms = [yaml.safe_load(path.read_text("utf-8")) for path in FORMS if path.stem != "config"]
    assert len(forms) == 3
    for form in forms:
        assert {"name", "description", "body"} <= set(form)
        ids = [part["id"] for part in form["body"] if part["type"] != "markdown"]
        assert len(ids) == len(set(ids)) >= 3


def test_the_citation_file_is_shown_and_in_step():
    page = (ROOT / "book" / "bibliography.md").read_text("utf-8")
    assert "```{literalinclude} CITATION.cff" in page
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text("utf-8"))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert cited["version"] == project["version"]
    released = f"## [{cited['version']}] - {cited['date-released']}\n"
    assert released in (ROOT / "CHANGELOG.md").read_text("utf-8")
    assert (ROOT / "README.md").read_text("utf-8").startswith(f"# {cited['title']}\n")


def offered() -> set[str]:
    """Return the files that cells of the notebooks put beside the pages."""
    found = set()
    for notebook in prepare.read_all(ROOT / "notebooks"):
        code = "\n".join(c.source for c in notebook.node.cells if c.cell_type == "code")
        for call in ast.walk(ast.parse(code)):
            if isinstance(call, ast.Call) and ast.unparse(call.func) == "page.download":
                formats = ast.literal_eval(call.args[2]) if len(call.args) > 2 else ["csv"]
                found |= {f"{ast.literal_eval(call.args[1])}.{form}" for form in formats}
            if isinstance(call, ast.Call) and ast.unparse(call.func) == "tables.show_scores":
                read = re.findall(r'tables\.read\(workspace, "(\w+)"\)', code)
                found |= {f"{table}-scores.csv" for table in read}
    return {f"build/html/downloads/{name}" for name in found}


def test_every_file_of_the_codecheck_manifest_is_made_by_the_build():
    text = (ROOT / "codecheck.yml").read_text("utf-8")
    check = yaml.safe_load(text)
    assert check["version"] == "https://codecheck.org.uk/spec/config/2.0/"
    assert "\n---\n" in text  # the specification asks for an explicit document
    files = [entry["file"] for entry in check["manifest"]]
    assert len(files) == len({*files})
    assert all(entry["comment"] for entry in check["manifest"])
    pages = {f"build/html/notebooks/{p.stem}.html" for p in (ROOT / "notebooks").glob("*.md")}
    assert {*files} <= offered() | pages | {"build/report.html"}
    assert {name for name in offered() if name.endswith(".csv")} <= {*files}
    paper = yaml.safe_load((ROOT / "CITATION.cff").read_text("utf-8"))["references"][0]
    assert check["paper"]["title"] == paper["title"]
    assert [author["name"] for author in check["paper"]["authors"]] == [
        f"{author['given-names']} {author['family-names']}" for author in paper["authors"]
    ]
