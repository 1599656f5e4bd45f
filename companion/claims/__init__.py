"""Claims: what the paper is said to claim, and what the stored predictions allow to conclude.

- `register`: ``book/claims.yml``, read and checked
- `rows`: every difference that a claim may rest on, as one tidy frame
- `decisions`: one function a rule: when a claim holds, when it does not
- `rules`: which rule and which differences belong to which claim
- `verdicts`: the verdict on a claim, with what must never be said built in
- `measured`: what was found, in sentences
- `pages`: the ledger as a list for reading and as a table
"""

from companion.claims.pages import claims_list, claims_table, quoted_claims
from companion.claims.register import Claim, read_claims
from companion.claims.rows import evidence
from companion.claims.verdicts import Verdict, judge, judge_all

__all__ = [
    "Claim",
    "Verdict",
    "claims_list",
    "claims_table",
    "evidence",
    "judge",
    "judge_all",
    "quoted_claims",
    "read_claims",
]
