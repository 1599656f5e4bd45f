"""The register of claims: ``book/claims.yml``, read and checked entry by entry."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import Field, ValidationError, model_validator

from mer_utils.errors import MerError
from mer_utils.frozen import Frozen

#: Verdicts on a comparison are those of `mer_utils.stats.verdicts`; these are the others.
HOLDS, FAILS = "holds", "does not hold"
NOT_TESTABLE = "not testable on synthetic data"

Word = Literal[
    "superior",
    "equivalent",
    "worse",
    "undecided",
    "holds",
    "does not hold",
    "not testable on synthetic data",
]


class Allowed(Frozen):
    """The verdicts that an entry admits, by kind of data."""

    real: tuple[Word, ...] = Field(min_length=1)
    synthetic: tuple[Word, ...] = Field(min_length=1)


class Claim(Frozen):
    """One claim; the head of ``book/claims.yml`` says what each field means."""

    id: str = Field(pattern=r"^C\d\d$")
    claim: str = Field(min_length=1)
    quoted: bool
    source: Literal["abstract", "digest", "third party"]
    mark: Literal["read", "second-hand"]
    about: Literal["faces", "method"]
    measured_by: tuple[str, ...] = Field(min_length=1)
    measure: str = Field(min_length=1)
    foretells: Word | None = None
    reported: dict[str, float] = Field(default_factory=dict)
    verdicts: Allowed

    @model_validator(mode="after")
    def _is_honest(self) -> Claim:
        if self.about == "faces" and self.verdicts.synthetic != (NOT_TESTABLE,):
            raise ValueError(
                f"a claim about faces admits only '{NOT_TESTABLE}' as a verdict on synthetic data"
            )
        if NOT_TESTABLE in self.verdicts.real:
            raise ValueError(f"'{NOT_TESTABLE}' cannot be a verdict on real data")
        if self.foretells and self.foretells not in self.verdicts.real:
            raise ValueError(f"it foretells '{self.foretells}', which its verdicts do not admit")
        if (self.source == "abstract") != (self.mark == "read"):
            raise ValueError("only the abstract was read; anything else is second-hand")
        return self

    def allowed(self, synthetic: bool) -> tuple[Word, ...]:
        """Return the verdicts that this entry admits on such data."""
        return self.verdicts.synthetic if synthetic else self.verdicts.real


def read_claims(register: Path) -> list[Claim]:
    """Read and check the register.

    Parameters
    ----------
    register : Path
        ``book/claims.yml``.

    Returns
    -------
    list of Claim
        In the order of the file.

    Raises
    ------
    MerError
        Naming every entry that is wrong, and what is wrong with it.
    """
    try:
        entries = yaml.safe_load(register.read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError) as error:
        raise _wrong(register, [" ".join(str(error).split())]) from error
    if not isinstance(entries, list) or not entries:
        raise _wrong(register, ["it holds no list of entries"])
    claims, problems = [], []
    for place, entry in enumerate(entries, start=1):
        try:
            claims.append(Claim.model_validate(entry))
        except ValidationError as error:
            problems += [f"{_name(entry, place)}: {line}" for line in _lines(error)]
    names = [_name(entry, place) for place, entry in enumerate(entries, start=1)]
    problems += [f"{name}: its id occurs twice" for name in names if names.count(name) > 1]
    if problems:
        raise _wrong(register, list(dict.fromkeys(problems)))
    return claims


def _name(entry: Any, place: int) -> str:
    has_id = isinstance(entry, dict) and entry.get("id")
    return str(entry["id"]) if has_id else f"entry {place}"


def _lines(error: ValidationError) -> list[str]:
    return [
        f"{'.'.join(map(str, item['loc'])) or 'the entry'}: {item['msg']}"
        for item in error.errors()
    ]


def _wrong(register: Path, problems: list[str]) -> MerError:
    return MerError(
        "bad register",
        f"{register.name}: {'; '.join(problems)}",
        "entries as the head of the file describes them",
        "correct the entries that are named",
    )
