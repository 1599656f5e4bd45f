"""Claims: what the paper is said to claim, and what the stored predictions allow to conclude.

- `register`: ``book/claims.yml``, read and checked
- `rows`, `evidence`: every comparison that a claim may rest on, as one tidy frame
- `decisions`: what the comparisons of a rule say together
- `rules`: which rule and which comparisons belong to which claim
- `editions`: the rules' hash, and what earlier editions said
- `operating`: how often each rule says what, by simulation
- `verdicts`: the verdict on a claim, with what must never be said built in
- `measured`: what was found, in sentences
- `pages`: the ledger as a list for reading and as a table
"""

from companion.claims.evidence import evidence
from companion.claims.pages import claims_list, claims_table, quoted_claims
from companion.claims.register import Claim, read_claims
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
