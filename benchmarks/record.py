"""The result: one tidy table and the machine it was measured on, in one file."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from companion.costs.record import COLUMNS, goal_text, verdict
from mer_utils.files import atomic_write, build_dir


@dataclass
class Recorder:
    """Collects rows, one a measured number; see `companion.costs.record.COLUMNS`."""

    machine: dict[str, Any]
    rows: list[dict[str, Any]] = field(default_factory=list)
    console: Console = field(default_factory=Console)

    def add(
        self,
        section: str,
        case: str,
        measure: str,
        value: float,
        unit: str = "",
        *,
        x: float | None = None,
        at_least: float | None = None,
        at_most: float | None = None,
    ) -> None:
        """Add one number; `x` is its place on a curve, the last two are its goal."""
        row = dict.fromkeys(COLUMNS) | {
            "section": section,
            "case": case,
            "measure": measure,
            "x": x,
            "value": float(value),
            "unit": unit,
            "at_least": at_least,
            "at_most": at_most,
        }
        self.rows.append(row)

    def frame(self) -> pd.DataFrame:
        return pd.DataFrame(self.rows, columns=list(COLUMNS))

    def show(self, section: str) -> None:
        """Print a section's rows, nothing if it has none."""
        if section not in {row["section"] for row in self.rows}:
            return
        table = Table(title=section, title_justify="left")
        for heading in ("case", "measure", "x", "value", "unit", "goal", ""):
            table.add_column(heading, overflow="fold")
        for row in self.rows:
            if row["section"] == section:
                x = "" if row["x"] is None else f"{row['x']:g}"
                cells = [row["case"], row["measure"], x, f"{row['value']:.4g}", row["unit"]]
                table.add_row(*map(escape, [*cells, goal_text(row), verdict(row)]))
        self.console.print(table)

    def write(self, path: Path | None = None) -> Path:
        """Write the file; its name is the time and the commit, so that no run replaces another."""
        stamp = self.machine["measured"].replace(":", "").replace("-", "").split("+")[0]
        path = path or build_dir() / "bench" / f"{stamp}Z-{self.machine['commit']}.json"
        with atomic_write(path) as temporary:
            text = json.dumps({"machine": self.machine, "rows": self.rows}, indent=1)
            temporary.write_text(text + "\n", encoding="utf-8")
        return path
