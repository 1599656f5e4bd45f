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
found = tables.read(workspace, "table2")
tables.wide(found)
tables.wide_differences(found)
plotting.table2_figure(found.scores, chance=1 / 5)
tested = tables.read(workspace, "table5")
tables.wide(tested)
plotting.variants_figure(tested.differences, tested.columns)
counts = len(found.predictions), len(found.scores), len(tested.scores)
"""

SLOW = ("torch", "torchvision", "timm", "sklearn", "captum")


@pytest.fixture
def computed(workspace):
    """A workspace with the predictions of one baseline for table 2, which table 5 shares."""
    jobs = workspace.jobs(workspace.specs("table2"))
    chosen = [job for job in jobs if job.spec.model.name == "svm_hog"]
    assert runs.run(chosen, workspace.context).done == len(chosen)
    return workspace


def test_importing_listing_and_making_tables_imports_no_torch(computed, twins):
    found, tested = (tables.read(computed, name) for name in ("table2", "table5"))
    counts = len(found.predictions), len(found.scores), len(tested.scores)
    assert min(counts) > 0
    say = f"print(counts, [name for name in {SLOW} if name in sys.modules])"
    code = ["import sys; data_root, store = sys.argv[1:]; counts = None"]
    code += [part for page in (IMPORTS, LISTS, READS) for part in (page, say)]
    arguments = map(str, (twins, computed.context.store))
    command = [sys.executable, "-c", "\n".join(code), *arguments]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == ["None []", f"({len(TABLES)}, True) []", f"{counts} []"]
