"""What every record of options is: checked when it is made, and never changed after."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self, get_args

from pydantic import BaseModel, ConfigDict, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError


class Frozen(BaseModel):
    """A record of options that can be hashed; a field that it does not have is refused."""

    # As JSON has no infinity, it is a word there, which is read back.
    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="strings")

    @field_validator("*", mode="before")
    @classmethod
    def _no_truth_for_a_number(cls, value: Any, info: ValidationInfo) -> Any:
        """Refuse true where a number is meant: pydantic takes it for 1."""
        several = value if isinstance(value, list | tuple) else [value]
        if any(isinstance(one, bool) for one in several):
            kind = cls.model_fields[info.field_name or ""].annotation
            if bool not in (kind, *get_args(kind)):
                said = "A value of its kind, which true and false are not"
                raise PydanticCustomError("truth", said)
        return value

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """Return a copy with some fields changed, checked as when it is made: pydantic's is not."""
        return type(self)(**{**dict(self), **(update or {})})
