"""What a question of the page names: the picture, how it is degraded, the models, and the level."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from ftn_core.utils.errors import UserError


@dataclass(frozen=True)
class Setting:
    """Everything that determines what is shown, except for the part in view.

    Args:
        picture: its key among those that are open.
        reference: the key of the clean picture that PSNR is measured against; empty if there is none.
        degraded_at: level of the first model's degradation that the picture goes through; None: no degradation.
        models: sources of one or two models.
        level: of the dial.
    """

    picture: str
    reference: str
    degraded_at: float | None
    models: tuple[str, ...]
    level: float

    @classmethod
    def read(cls, query: Mapping[str, str], models: Mapping[str, str]) -> "Setting":
        """From a query.

        Args:
            models: those that the server offers, by source.

        Raises:
            UserError: a number or a model is missing or wrong.
        """
        chosen = tuple(query[key] for key in ("model", "other") if query.get(key))
        if not chosen or not models.keys() >= {*chosen}:
            raise UserError("this server does not offer that model: reload the page")
        degraded_at = number(query, "strength") if "strength" in query else None
        return cls(query.get("picture", ""), query.get("reference", ""), degraded_at, chosen, number(query, "level"))


def number(query: Mapping[str, str], key: str) -> float:
    """A number of a query. Raises ``UserError`` if it is none."""
    try:
        value = float(query[key])
    except (KeyError, ValueError):
        value = math.nan
    if not math.isfinite(value):
        raise UserError(f"{key} must be a number")
    return value
