"""Numbers in a JSON file."""

from pathlib import Path
from typing import Self

from pydantic import BaseModel, ConfigDict


class Record(BaseModel):
    """Numbers that are written once and read by others."""

    # where nothing was taken away from an image, its PSNR has no end
    model_config = ConfigDict(extra="forbid", frozen=True, ser_json_inf_nan="strings")

    def write(self, path: Path) -> None:
        """As JSON, the same bytes for the same values."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(self.model_dump_json(indent=1) + "\n")

    @classmethod
    def read(cls, path: Path) -> Self:
        """What ``write`` wrote."""
        return cls.model_validate_json(path.read_text())
