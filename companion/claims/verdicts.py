"""Verdicts: what may be said of a claim, with what must never be said built in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from companion.chapters.primary import barred
from companion.claims.measured import measured
from companion.claims.register import NOT_TESTABLE, Claim
from companion.claims.rules import Rule, rule_of
from mer_utils.errors import MerError
from mer_utils.experiments import Profile
from mer_utils.models import title
from mer_utils.plotting.words import dataset_title, table_of
from mer_utils.stats import EVERY, UNDECIDED


@dataclass(frozen=True)
class Verdict:
    """A verdict on a claim.

    Parameters
    ----------
    claim : Claim
    synthetic : bool
        Whether any of the data is synthetic.
    verdict : str
    measured : str
        What was measured, a line each.
    data : str
        On which data.
    why : str
        What the verdict rests on.

    Raises
    ------
    MerError
        If the claim's entry does not admit the verdict on such data; a claim about faces on
        synthetic data admits "not testable on synthetic data" only, whatever its entry says.
    """

    claim: Claim
    synthetic: bool
    verdict: str
    measured: str
    data: str
    why: str

    def __post_init__(self) -> None:
        allowed: Sequence[str] = self.claim.allowed(self.synthetic)
        # Said once more here: no register, and no register that was read without its checks,
        # can make synthetic data speak about faces.
        if self.synthetic and self.claim.about == "faces":
            allowed = (NOT_TESTABLE,)
        if self.verdict not in allowed:
            kind = "synthetic" if self.synthetic else "real"
            raise MerError(
                "bad register",
                f"the verdict on {self.claim.id} would be {self.verdict!r} on {kind} data",
                f"one of {', '.join(map(repr, allowed))}",
                "correct the rule of this claim, or the verdicts of its entry",
            )


def judge(claim: Claim, evidence: pd.DataFrame, synthetic: bool, *, profile: Profile) -> Verdict:
    """Judge a claim by the evidence there is.

    Parameters
    ----------
    claim : Claim
    evidence : DataFrame
    synthetic : bool
        Whether any of the data is synthetic; a composite with one synthetic part is.
    profile : Profile
        Under which it was computed; nothing about faces follows from one for trying out.

    Raises
    ------
    MerError
        "invalid option" if the evidence holds synthetic data and `synthetic` denies it, "unknown
        name" if the claim has no rule, "bad register" if its entry does not admit the verdict.
    """
    if evidence["synthetic"].any() and not synthetic:
        raise MerError(
            "invalid option",
            f"claim {claim.id} would be judged as on real data",
            "synthetic=True: part of the evidence is synthetic",
            "pass what the evidence says, or leave the synthetic data out",
        )
    rule = rule_of(claim.id)
    lacking = incomplete(rule, evidence, profile.words)
    gates = [] if rule.counts or lacking else shut(rule, evidence, profile)
    if synthetic and claim.about == "faces":
        verdict, why = NOT_TESTABLE, "drawn faces are no evidence about faces"
    elif lacking:
        verdict, why = UNDECIDED, "the evidence is not complete"
    elif gates:
        verdict, why = UNDECIDED, "; ".join(gates)
    else:
        verdict, why = rule.decide(rule.decisive(evidence))
    return Verdict(
        claim=claim,
        synthetic=synthetic,
        verdict=verdict,
        measured="\n".join([*measured(claim, rule, evidence), *lacking, *map(_sentence, gates)]),
        data="; ".join(dict.fromkeys("; ".join(evidence["data"]).split("; "))) or "none",
        why=why,
    )


def judge_all(
    claims: Sequence[Claim], evidence: pd.DataFrame, *, profile: Profile
) -> list[Verdict]:
    """Judge every claim; the data are synthetic as soon as any row of the evidence is."""
    synthetic = bool(evidence["synthetic"].any())
    return [judge(claim, evidence, synthetic, profile=profile) for claim in claims]


def shut(rule: Rule, evidence: pd.DataFrame, profile: Profile) -> list[str]:
    """Say which gates are shut: profile, seeds, networks above chance."""
    cells = rule.cells(evidence)
    # One that learnt with neither setting cannot show what the treatment is worth.
    groups = cells.groupby(["dataset", "model"], sort=False)["above_chance"]
    low = [
        f"{title(str(model))} on {dataset_title(str(dataset))}"
        for (dataset, model), found in groups
        if not any(bool(value) for value in found)
    ]
    return barred(cells, profile, low)


def _sentence(words: str) -> str:
    return f"Gate shut: {words}."


def incomplete(rule: Rule, evidence: pd.DataFrame, profile: str) -> list[str]:
    """Say what the evidence of a rule lacks, each with the command that fills it, if one does.

    None does where every fold is there: then the profile has no such runs.

    Examples
    --------
    >>> from companion.claims.rows import COLUMNS
    >>> from companion.claims.rules import RULES
    >>> incomplete(RULES["C13"], pd.DataFrame(columns=COLUMNS), "demo")
    ['Missing: Table 7. To fill it: mer run table7 --profile demo.']
    """
    lines = []
    for table in rule.tables():
        rows = evidence[(evidence["table"] == table) & rule.concerns(evidence)]
        rows = rows[rows["dataset"] != EVERY]
        # One row per comparison, but the folds of a data set and model are missing once.
        folds = rows.drop_duplicates(["dataset", "model"])["missing_folds"].sum()
        asked = [comparison for comparison in rule.rests_on if comparison.table == table]
        absent = [comparison.words for comparison in asked if not comparison.rows(rows).any()]
        command = f"To fill it: mer run {table} --profile {profile}."
        if rows.empty:
            lines.append(f"Missing: {table_of(table)}. {command}")
        elif folds:
            lines.append(f"Missing: {folds:.0f} folds of {table_of(table)}. {command}")
        elif absent:
            lines.append(
                f"Not measured in the profile {profile}: {'; '.join(absent)} ({table_of(table)})."
            )
    if lines:
        return lines
    rows = rule.decisive(evidence) if rule.counts else rule.cells(evidence)
    models = [title(m) for m in rule.models if m not in set(rows["model"])]
    datasets = [
        dataset_title(d) for d in rule.datasets if rule.tables() and d not in set(rows["dataset"])
    ]
    if models:
        lines.append(f"Not measured in the profile {profile}: {_and_claimed(models)}.")
    if datasets:
        lines.append(f"Not measured: {_and_claimed(datasets)}.")
    if rule.counts and rows.empty:
        lines.append("Missing: the dynamic images of the clips.")
    return lines


def _and_claimed(names: list[str]) -> str:
    return f"{', '.join(names)}; the claim is about {'it' if len(names) == 1 else 'them'}"
