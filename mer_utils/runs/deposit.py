"""What an archive of results says of itself: README, licence, metadata for deposits.

The RO-Crate is written by hand: the package ``rocrate`` stamps the time into it, so that the same
results would be other bytes each time, and would add five packages to the core for 30 lines.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sized
from dataclasses import dataclass, field
from typing import Any

from mer_utils.runs.spec import RunSpec

PAPER = "arXiv:2510.15466"
_PAPER_URL = "https://arxiv.org/abs/2510.15466"
_TITLE = "Predictions of phase-aware temporal augmentation for micro-expression recognition"
_KEYWORDS = ["micro-expression recognition", "dynamic images", "reproducibility"]
_NAMELESS = ("The mer_utils contributors",)
_WHAT = {
    "README.md": ("What this is and how to read it", "text/markdown"),
    "LICENSE": ("The licence", "text/plain"),
    "store.json": ("Version of the store's layout", "application/json"),
    "spec.json": ("Everything that can change the run's predictions", "application/json"),
    "run.parquet": ("Predictions by clip, view and epoch", "application/vnd.apache.parquet"),
    "environments.json": ("What computed each fold", "application/json"),
}  # fmt: skip
_README = """\
# {title}

{runs:,} runs, {folds:,} folds, computed from {first} to {last} with `mer_utils`, the companion to
{paper}. Data: {data}. A run is one network or baseline with one training set on one data set;
its folds each leave one subject out.

{licensed}

Each folder is a run, named by its key: `run.parquet` (one row per prediction), `spec.json` (all
that can change the predictions) and `environments.json` (versions, device and times per fold).
`SHA256SUMS` holds for every file: `sha256sum -c SHA256SUMS`.

| column | means |
|---|---|
| run, dataset, scheme, model, train_views, spatial, ... | what `spec.json` says |
| test_view, epoch | the view that was shown; epochs trained so far, of which the last counts |
| subject, clip | the subject held out, and its clip |
| y_true, y_pred | class numbers, from 0 |
| p_0, p_1, ... | the probability of each class |
| map | where a convolutional network looked, float32; only of made clips |

```python
import pathlib                                        # in the unpacked folder
files = sorted(pathlib.Path().glob("*/run.parquet"))
import pandas as pd
rows = pd.concat(map(pd.read_parquet, files))
import duckdb
rows = duckdb.sql("FROM read_parquet('*/run.parquet', union_by_name = true)")
import polars as pl
rows = pl.concat(map(pl.read_parquet, files), how="diagonal_relaxed")
```

`mer store import THIS.zip --store FOLDER` checks every digest and puts the folds beside those of
your own. The unpacked folder is a store as well.
"""
_OF_MADE = "The clips are synthetic: no person was filmed. Class activation maps are included."
_OF_LICENSED = (
    "**Licensed data.** This archive holds no frame, no face and no map of one. Of {names} it "
    "holds predictions alone: the names that coding sheets give to subjects and clips, and class "
    "numbers. The data themselves are had from their owners, under their terms, which hold for "
    "what you do with these names and classes too."
)


@dataclass
class Deposit:
    """What is in an archive, in words and as metadata.

    Parameters
    ----------
    licence : str
        SPDX identifier.
    creators : tuple of str
    runs, folds : int
    licensed, made : set of str
        Data sets, by name.
    finished : list of str
        When the first fold was done and when the last, in UTC.
    """

    licence: str
    creators: tuple[str, ...] = ()
    runs: int = 0
    folds: int = 0
    licensed: set[str] = field(default_factory=set)
    made: set[str] = field(default_factory=set)
    finished: list[str] = field(default_factory=list)

    def add(self, spec: RunSpec, folds: Sized, notes: Iterable[Mapping[str, Any]]) -> None:
        """Count a run in."""
        self.runs += 1
        self.folds += len(folds)
        (self.licensed if spec.data.noise is None else self.made).add(spec.data.dataset)
        times = sorted(str(n["finished"]) for n in notes if "finished" in n)
        self.finished = [*self.finished, *times[:1], *times[-1:]]
        self.finished = [min(self.finished), max(self.finished)] if self.finished else []

    @property
    def words(self) -> str:
        """What the archive holds of licensed data, if anything."""
        names = ", ".join(sorted(self.licensed))
        return _OF_LICENSED.format(names=names) if names else _OF_MADE

    @property
    def _data(self) -> str:
        made = [f"the synthetic twin of {name}" for name in sorted(self.made)]
        return ", ".join([*made, *(f"{name} (licensed)" for name in sorted(self.licensed))])

    def files(self, data: Iterable[str]) -> dict[str, bytes]:
        """Return the files that describe an archive of these files."""
        first, last = (time[:10] for time in self.finished or ["unknown", "unknown"])
        readme = _README.format(
            title=_TITLE, runs=self.runs, folds=self.folds, first=first, last=last, paper=PAPER,
            data=self._data, licensed=self.words,
        )  # fmt: skip
        licence = (
            f"{_TITLE}\n{'; '.join(self.creators or _NAMELESS)}\n\nSPDX-License-Identifier: "
            f"{self.licence}\nhttps://spdx.org/licenses/{self.licence}.html\n"
        )
        files = {"README.md": readme, "LICENSE": licence, ".zenodo.json": _json(self._zenodo)}
        crate = self._crate(sorted([*data, "README.md", "LICENSE"]), last)
        files["ro-crate-metadata.json"] = _json(crate)
        return {name: text.encode() for name, text in files.items()}

    @property
    def _zenodo(self) -> dict[str, Any]:
        paper = {"identifier": PAPER, "relation": "isSupplementTo", "resource_type": "publication"}
        return {
            "title": _TITLE,
            "upload_type": "dataset",
            "description": f"{self.runs:,} runs, {self.folds:,} folds. Data: {self._data}. "
            + self.words.replace("**", ""),
            "creators": [{"name": name} for name in self.creators or _NAMELESS],
            "license": self.licence.lower(),
            "keywords": _KEYWORDS,
            "related_identifiers": [paper],
        }

    def _crate(self, names: list[str], last: str) -> dict[str, Any]:
        people = [
            {
                "@id": f"#{name}",
                "@type": "Person" if self.creators else "Organization",
                "name": name,
            }
            for name in self.creators or _NAMELESS
        ]
        root = {
            "@id": "./",
            "@type": "Dataset",
            "name": _TITLE,
            "description": self._zenodo["description"],
            "datePublished": last,
            "license": {"@id": f"https://spdx.org/licenses/{self.licence}"},
            "keywords": _KEYWORDS,
            "author": [{"@id": person["@id"]} for person in people],
            "citation": {"@id": _PAPER_URL},
            "hasPart": [{"@id": name} for name in names],
        }
        about = {
            "@id": "ro-crate-metadata.json",
            "@type": "CreativeWork",
            "conformsTo": {"@id": "https://w3id.org/ro/crate/1.1"},
            "about": {"@id": "./"},
        }
        licence = {"@id": root["license"]["@id"], "@type": "CreativeWork", "name": self.licence}
        paper = {"@id": _PAPER_URL, "@type": "ScholarlyArticle", "name": PAPER}
        parts = [_part(name) for name in names]
        context = "https://w3id.org/ro/crate/1.1/context"
        return {"@context": context, "@graph": [about, root, licence, paper, *people, *parts]}


def _part(name: str) -> dict[str, Any]:
    words, kind = _WHAT.get(name.split("/")[-1], (name, "application/json"))
    run, _, rest = name.partition("/")
    return {
        "@id": name,
        "@type": "File",
        "name": f"{words} ({run})" if rest else words,
        "encodingFormat": kind,
    }


def _json(content: dict[str, Any]) -> str:
    return json.dumps(content, indent=1, ensure_ascii=False) + "\n"
