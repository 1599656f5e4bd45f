"""The clip table: what the data sets' spreadsheets and folders say, every quirk accounted for.

Modules, in the order data flows: `sheets` and `layout` (files), `source` and `coded` (raw
rows), `casme2`, `samm`, `smic` and `manifest` (data sets), `corrections`, `schemes`, `rules` and
`integrity` (decisions), `survey` (one pass over all of it), `table`, `ledger` and `checks` (what
it found),
`action_units` (the coding notation).
"""

from mer_utils.datasets import action_units, layout
from mer_utils.datasets.checks import check
from mer_utils.datasets.ledger import ledger, reasons, rule_counts
from mer_utils.datasets.problems import Problem, grouped, to_json, worst
from mer_utils.datasets.rules import ClipFrames, clip_frames
from mer_utils.datasets.schemes import SCHEMES, Scheme
from mer_utils.datasets.table import load, load_composite

__all__ = [
    "SCHEMES",
    "ClipFrames",
    "Problem",
    "Scheme",
    "action_units",
    "check",
    "clip_frames",
    "grouped",
    "layout",
    "ledger",
    "load",
    "load_composite",
    "reasons",
    "rule_counts",
    "to_json",
    "worst",
]
