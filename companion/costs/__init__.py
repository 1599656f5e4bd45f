"""Costs: what `python -m benchmarks` recorded, read and told; how cost grows with the data."""

from companion.costs.record import (
    GPU_RATES,
    SHARES,
    SPEEDS,
    costs_by_case,
    costs_quoted,
    costs_table,
    history_table,
    machine_table,
    read_costs,
)
from companion.costs.trends import (
    effects_table,
    growth_table,
    profile_table,
    projection_table,
)

__all__ = [
    "GPU_RATES",
    "SHARES",
    "SPEEDS",
    "costs_by_case",
    "costs_quoted",
    "costs_table",
    "effects_table",
    "growth_table",
    "history_table",
    "machine_table",
    "profile_table",
    "projection_table",
    "read_costs",
]
