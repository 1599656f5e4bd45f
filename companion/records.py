"""What commands of ``benchmarks`` recorded: one JSON file each, of what was measured and rows."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from mer_utils.errors import MerError
from mer_utils.files import checkout

OURS = Path(__file__).parents[1]


def home() -> Path:
    """Return the checkout that one stands in or else our own, wherever the build folder is."""
    return checkout() or OURS


def read_record(
    file: str | Path,
    command: str,
    columns: Sequence[str] | None = None,
    about: str = "specification",
) -> dict[str, Any]:
    """Return a record: what it says of itself, by the name `about`, and ``rows``, a DataFrame.

    Parameters
    ----------
    file : str or Path
    command : str
        That writes it.
    columns : sequence of str, optional
        Of the rows; those that a record lacks are empty.
    about : str

    Raises
    ------
    MerError
        ``bad register``, if the file is no such record.
    """
    try:
        record = json.loads(Path(file).read_text("utf-8"))
        rows = pd.DataFrame(record["rows"], columns=None if columns is None else list(columns))
        return {about: dict(record[about]), "rows": rows}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise MerError(
            "bad register",
            f"{file} is no record of {command} ({type(error).__name__}: {error})",
            f"the JSON file that {command} writes",
            "measure anew, or take the file of the repository",
        ) from error
