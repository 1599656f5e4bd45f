"""Pages: the ledger as a list for reading, as a compact table, and the numbers quoted of it."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import pandas as pd
from IPython.display import HTML

from companion.claims.register import FAILS, HOLDS, NOT_TESTABLE
from companion.claims.verdicts import Verdict
from mer_utils.plotting.words import table_of
from mer_utils.stats import EQUIVALENT, SUPERIOR, UNDECIDED, WORSE

#: All verdicts, in the order in which the page counts them.
WORDS = (SUPERIOR, EQUIVALENT, WORSE, HOLDS, FAILS, UNDECIDED, NOT_TESTABLE)
_SOURCES = {
    "abstract": "abstract of the paper",
    "digest": "an online digest of the paper",
    "third party": "a comment in a third party's code",
}


def claims_list(verdicts: Sequence[Verdict]) -> HTML:
    """Return the ledger as a list for reading.

    Parameters
    ----------
    verdicts : sequence of Verdict

    Returns
    -------
    IPython.display.HTML
        One block per claim; its id is a link target.
    """
    return HTML("".join(_block(verdict) for verdict in verdicts))


def claims_table(verdicts: Sequence[Verdict]) -> pd.DataFrame:
    """Return one row per claim: id, its first words, source and verdict.

    Parameters
    ----------
    verdicts : sequence of Verdict

    Returns
    -------
    DataFrame
        Columns id, claim, source, foretells (the verdict that the claim amounts to), verdict.
    """
    return pd.DataFrame(
        [
            {
                "id": v.claim.id,
                "claim": _short(v.claim.claim),
                "source": f"{v.claim.source}, {v.claim.mark}",
                "foretells": v.claim.foretells or "–",
                "verdict": v.verdict,
            }
            for v in verdicts
        ]
    )


def quoted_claims(verdicts: Sequence[Verdict]) -> dict[str, int | str]:
    """Return the numbers that the chapter's sentences quote, by name."""
    said = [v.verdict for v in verdicts]
    return {
        "n_claims": len(verdicts),
        "n_faces": sum(v.claim.about == "faces" for v in verdicts),
        "n_method": sum(v.claim.about == "method" for v in verdicts),
        "n_second_hand": sum(v.claim.mark == "second-hand" for v in verdicts),
        "in_all": ", ".join(f"{said.count(word)} {word}" for word in WORDS if word in said),
        "n_incomplete": sum(
            "Missing" in v.measured or "Not measured" in v.measured for v in verdicts
        ),
    }


def _block(verdict: Verdict) -> str:
    claim = verdict.claim
    words = escape(claim.claim)
    said = f"<q>{words}</q>" if claim.quoted else words
    lines = verdict.measured.splitlines() or ["Nothing yet."]
    items = "".join(f"<li>{escape(line)}</li>" for line in lines)
    return (
        f'<div class="assumption claim" id="{claim.id.lower()}">'
        f"<p><strong>{claim.id}.</strong> {said}</p>"
        f"<p><strong>Verdict: {verdict.verdict}</strong>: {escape(verdict.why)}.</p>"
        "<details><summary>What would decide it, and what was measured</summary>"
        f"<p>{escape(claim.measure)}"
        f"{f' The claim foretells: <em>{claim.foretells}</em>.' if claim.foretells else ''}</p>"
        f"<p>Measured on {escape(verdict.data)}:</p><ul>{items}</ul>"
        f'<p class="assumption-facts">{"Quoted from" if claim.quoted else "Paraphrased from"} '
        f"{_SOURCES[claim.source]} (<em>{claim.mark}</em>). "
        f"About: {claim.about}. "
        f"Measured by: {escape(', '.join(map(table_of, claim.measured_by)))}.</p></details></div>"
    )


def _short(words: str, limit: int = 72) -> str:
    """Cut a claim at a word.

    Examples
    --------
    >>> _short("one two three", 10)
    'one two …'
    """
    if len(words) <= limit:
        return words
    return words[: limit - 1].rsplit(" ", 1)[0] + " …"
