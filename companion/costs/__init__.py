"""Costs: what `python -m benchmarks` recorded, as tables; how cost grows with the data."""

from companion.costs.record import (
    GPU_FOLDS,
    GPU_RATES,
    SHARES,
    SPEEDS,
    by_case,
    files,
    gpu_said,
    history_table,
    machine_table,
    newest,
    quoted,
    read,
    section_table,
)
from companion.costs.trends import (
    effects_table,
    growth_table,
    hours_table,
    projection_table,
)

__all__ = [
    "GPU_FOLDS",
    "GPU_RATES",
    "SHARES",
    "SPEEDS",
    "by_case",
    "effects_table",
    "files",
    "gpu_said",
    "growth_table",
    "history_table",
    "hours_table",
    "machine_table",
    "newest",
    "projection_table",
    "quoted",
    "read",
    "section_table",
]
