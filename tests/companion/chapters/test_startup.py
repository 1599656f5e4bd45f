"""What starts quickly: pages that read predictions and compute no network import no torch."""

from __future__ import annotations

import subprocess
import sys

import pytest

from companion.chapters import tables
from mer_utils import runs
from mer_utils.experiments import TABLES

IMPORTS = """
from companion.chapters import all_results, tables
from mer_utils import experiments, plotting
"""

LISTS = """
workspace = experiments.open_workspace("smoke", data_root, store)
counted = all_results.coverage(workspace)
counts = len(counted), bool((counted["runs"] > 0).all())
"""

READS = """
workspace = experiments.open_workspace("smoke", data_root, store)
found = tables.read(workspace, "table2")
tables.wide(found, "casme2")
tables.wide_differences(found)
plotting.table2_figure(found.scores, chance=1 / 5)
tested = tables.read(workspace, "table5")
tables.wide(tested, "samm")
plotting.variants_figure(tested.differences, tested.columns)
counts = len(found.predictions), len(found.scores), len(tested.scores)
"""

SLOW = ("torch", "torchvision", "timm", "sklearn", "captum")


def said_by(page: str, *arguments) -> str:
    """Run a page's code in a process of its own; return its counts and what it imported."""
    code = [
        "import sys",
        "data_root, store = sys.argv[1:]",
        "counts = None",
        IMPORTS,
        page,
        f"print(counts, [name for name in {SLOW} if name in sys.modules])",
    ]
    command = [sys.executable, "-c", "\n".join(code), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()[-1]


@pytest.fixture
def computed(workspace):
    """A workspace with the predictions of one baseline for table 2, which table 5 shares."""
    jobs = workspace.jobs(workspace.specs("table2"))
    chosen = [job for job in jobs if job.spec.model.name == "svm_hog"]
    assert runs.run(chosen, workspace.context).done == len(chosen)
    return workspace


def test_the_first_line_of_a_page_imports_no_torch():
    assert said_by("", "", "") == "None []"


def test_listing_the_runs_of_every_table_imports_no_torch(twins, tmp_path):
    assert said_by(LISTS, twins, tmp_path / "store") == f"({len(TABLES)}, True) []"


def test_reading_predictions_and_making_tables_imports_no_torch(computed, twins):
    found, tested = (tables.read(computed, name) for name in ("table2", "table5"))
    counts = len(found.predictions), len(found.scores), len(tested.scores)
    assert min(counts) > 0
    assert said_by(READS, twins, computed.context.store) == f"{counts} []"
