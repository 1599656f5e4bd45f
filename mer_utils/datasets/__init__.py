"""Data sets: one class each, whose clip tables account for every quirk of sheets and folders.

Every class has `clips`, `check`, `ledger`, `fingerprint` and `made`; :data:`DATASETS` holds them by
name, and a class of one's own is registered there. Modules, in the order data flows:
`spreadsheets` and `sheets` (files), `rows` (of a sheet), `table_rows` (of a table of one's own),
`coded`, `smic`, `clips`, `column_maps` and `manifest_rows` (readers), `corrections`, `schemes`,
`rules`, `integrity` and `plausible` (decisions), `survey` (one pass over all of it), `framed`,
`manifest` and `composite` (classes), `ledger` and `checks` (what was found), `published` (facts),
`action_units` (the coding notation).
"""

from mer_utils.datasets import action_units
from mer_utils.datasets.casme2 import Casme2
from mer_utils.datasets.clips import Clips
from mer_utils.datasets.coded import Coded
from mer_utils.datasets.column_maps import MAPS, ColumnMap, from_folders, from_sheet
from mer_utils.datasets.composite import Composite
from mer_utils.datasets.dataset import (
    DATASETS,
    SYNTHETIC_MARK,
    Dataset,
    joined,
    made_at,
    named,
    open,
    title,
)
from mer_utils.datasets.faces import SubjectCrop, crops_of, without_face
from mer_utils.datasets.fingerprint import data_fingerprint
from mer_utils.datasets.framed import Framed
from mer_utils.datasets.ledger import reasons, rule_counts
from mer_utils.datasets.manifest import Manifest
from mer_utils.datasets.problems import Problem, grouped, in_order, to_json, worst
from mer_utils.datasets.published import Durations, Published, Twin
from mer_utils.datasets.rules import (
    RULES,
    ClipFrames,
    clip_frames,
    left_out,
    load_clip,
    require_rule,
)
from mer_utils.datasets.samm import Samm
from mer_utils.datasets.schemes import OWN_LABELS, SCHEMES, Scheme, add_words
from mer_utils.datasets.sheets import settings as sheet_settings
from mer_utils.datasets.smic import Smic

for _known in (Casme2, Samm, Smic, Composite, Clips, Manifest):
    DATASETS.register(_known)
for _map in MAPS.values():
    add_words(_map.name, _map.title, _map.schemes)

__all__ = [
    "DATASETS",
    "MAPS",
    "OWN_LABELS",
    "RULES",
    "SCHEMES",
    "SYNTHETIC_MARK",
    "Casme2",
    "ClipFrames",
    "Clips",
    "Coded",
    "ColumnMap",
    "Composite",
    "Dataset",
    "Durations",
    "Framed",
    "Manifest",
    "Problem",
    "Published",
    "Samm",
    "Scheme",
    "Smic",
    "SubjectCrop",
    "Twin",
    "action_units",
    "add_words",
    "clip_frames",
    "crops_of",
    "data_fingerprint",
    "from_folders",
    "from_sheet",
    "grouped",
    "in_order",
    "joined",
    "left_out",
    "load_clip",
    "made_at",
    "named",
    "open",
    "reasons",
    "require_rule",
    "rule_counts",
    "sheet_settings",
    "title",
    "to_json",
    "without_face",
    "worst",
]
