"""What every record of options is: checked when it is made, and never changed after."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

from pydantic import BaseModel, ConfigDict


class Frozen(BaseModel):
    """A record of options that can be hashed; a field that it does not have is refused."""

    # As JSON has no infinity, it is a word there, which is read back.
    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="strings")

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """Return a copy with some fields changed, checked as when it is made: pydantic's is not."""
        return type(self)(**{**dict(self), **(update or {})})
