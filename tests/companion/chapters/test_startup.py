"""What starts quickly: pages that read predictions and compute no network import no torch."""

from __future__ import annotations

import subprocess
import sys

from companion.chapters import tables
from mer_utils.experiments import TABLES

IMPORTS = """
from companion.chapters import all_results, tables
from mer_utils import experiments, plotting, stats

for estimate in (stats.compare, stats.intervals):
    estimate.__kwdefaults__["n_resamples"] = 200
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


def test_importing_listing_and_making_tables_imports_no_torch(workspace, store_all, twins):
    """On the predictions of one baseline for table 2, which table 5 shares."""
    store_all([s for s in workspace.specs("table2") if s.model.name == "svm_hog"])
    found, tested = (tables.read(workspace, name) for name in ("table2", "table5"))
    counts = len(found.predictions), len(found.scores), len(tested.scores)
    assert min(counts) > 0
    say = f"print(counts, [name for name in {SLOW} if name in sys.modules])"
    code = ["import sys; data_root, store = sys.argv[1:]; counts = None"]
    code += [part for page in (IMPORTS, LISTS, READS) for part in (page, say)]
    arguments = map(str, (twins, workspace.context.store))
    command = [sys.executable, "-c", "\n".join(code), *arguments]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == ["None []", f"({len(TABLES)}, True) []", f"{counts} []"]
