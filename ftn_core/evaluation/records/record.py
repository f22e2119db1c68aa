"""Results in a JSON file."""

from pathlib import Path
from typing import Self

from pydantic import BaseModel, ConfigDict


class Record(BaseModel):
    """Results that one stage writes and others read."""

    # an undegraded image has an infinite PSNR
    model_config = ConfigDict(extra="forbid", frozen=True, ser_json_inf_nan="strings")

    def write(self, path: Path) -> None:
        """Write JSON; the same values give the same bytes."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(self.model_dump_json(indent=1) + "\n")

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read what ``write`` wrote."""
        return cls.model_validate_json(path.read_text())
