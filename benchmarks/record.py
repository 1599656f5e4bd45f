"""The result: one tidy table and the machine it was measured on, in one file."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd

from companion.costs.record import COLUMNS, Costs, section_table
from mer_utils.files import atomic_write, build_dir


@dataclass
class Recorder:
    """Collects rows, one per measured number; see `companion.costs.record.COLUMNS`."""

    machine: dict[str, Any]
    rows: list[dict[str, Any]] = field(default_factory=list)

    def add(
        self, section: str, case: str, measure: str, value: float, unit: str = "", **more: float
    ) -> None:
        """Add one number; `more` is its place on a curve, `x`, and its goal."""
        row = {"section": section, "case": case, "measure": measure, "value": float(value)}
        self.rows.append(dict.fromkeys(COLUMNS) | row | {"unit": unit} | more)

    def about(self, section: str, case: str) -> Callable[..., None]:
        """Return `add` for one case."""
        return partial(self.add, section, case)

    def costs(self) -> Costs:
        return Costs(self.machine, pd.DataFrame(self.rows, columns=list(COLUMNS)))

    def show(self, section: str) -> None:
        """Print a section's single numbers, nothing if it has none."""
        if any(row["section"] == section and row["x"] is None for row in self.rows):
            print(f"\n{section}\n{section_table(self.costs(), section).to_string(index=False)}")

    def write(self, path: Path | None = None) -> Path:
        """Write the file; its name is the time and the commit, so that no run replaces another."""
        stamp = self.machine["measured"].replace(":", "").replace("-", "").split("+")[0]
        path = path or build_dir() / "bench" / f"{stamp}Z-{self.machine['commit']}.json"
        with atomic_write(path) as temporary:
            text = json.dumps({"machine": self.machine, "rows": self.rows}, indent=1)
            temporary.write_text(text + "\n", encoding="utf-8")
        return path
