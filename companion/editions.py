"""Editions of the rules: their hash, and what earlier ones said.

Rules are fixed before the data are seen. Their hash is recorded with every run and printed
beside the verdicts; ``book/editions.yml`` has one entry an edition and keeps the old verdicts.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from mer_utils.errors import MerError

#: The files that decide: the primary question, the decisions and what they are applied to.
RULES = ("chapters/primary.py", "claims/decisions.py", "claims/rules.py")


def rules_hash() -> str:
    """Return a SHA-256 (hex, 16 digits) of the text of the rules."""
    digest = hashlib.sha256()
    for name in RULES:
        text = (Path(__file__).parent / name).read_text(encoding="utf-8")
        digest.update(f"{name}\n{text}".encode())
    return digest.hexdigest()[:16]


def read_editions(register: Path) -> list[dict[str, Any]]:
    """Read ``book/editions.yml``, the oldest edition first.

    Raises
    ------
    MerError
        "bad register" if it cannot be read, an entry lacks something, or the newest edition is
        not of the rules as they are: then a rule was changed without a new edition.
    """
    import yaml

    try:
        found = yaml.safe_load(register.read_text(encoding="utf-8"))
        editions = [
            {name: entry[name] for name in ("edition", "rules", "stated", "changed", "verdicts")}
            for entry in found
        ]
    except (OSError, yaml.YAMLError, TypeError, KeyError) as error:
        raise _wrong(register, f"{type(error).__name__}: {error}") from error
    if [entry["edition"] for entry in editions] != list(range(1, len(editions) + 1)):
        raise _wrong(register, "its editions are not numbered 1, 2, ...")
    if editions[-1]["rules"] != rules_hash():
        raise _wrong(
            register,
            f"edition {editions[-1]['edition']} is of rules {editions[-1]['rules']}, "
            f"and those of {', '.join(RULES)} are {rules_hash()}",
        )
    return editions


def _wrong(register: Path, why: str) -> MerError:
    return MerError(
        "bad register",
        f"{register.name}: {why}",
        "an entry for each edition, with its hash, the newest that of the rules as they are",
        "add an edition that says what was changed, and keep the verdicts of the one before",
    )
