"""Versions of a registered model: read, found by number or alias, given an alias."""

import difflib
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from ftn_core.parameters.quantities import SIGMA, Quantity, quantity_named
from ftn_core.utils.errors import UserError
from registry.server import tracking_uri, without_credentials

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities.model_registry import RegisteredModel


ALIAS_TRIES = 4
"""How often setting an alias is tried while others set the same one."""


@dataclass(frozen=True)
class Version:
    """One version, with the tags that ``register`` gave it. A property is None or empty where its tag is missing."""

    number: str
    aliases: list[str]
    at: datetime
    run: str
    source: str
    tags: dict[str, str]
    description: str

    @property
    def gate(self) -> str:
        """``passed``, ``failed`` or ``not judged``."""
        return self.tags.get("ftn.gate", "not judged")

    @property
    def levels(self) -> list[float]:
        """The trained levels, the base's first."""
        return json.loads(self.tags.get("ftn.levels", "[]"))

    @property
    def quantity(self) -> Quantity:
        """What the levels measure. A version without the tag is an old one, and those were all for noise."""
        return quantity_named(self.tags.get("ftn.quantity", SIGMA.name), json.loads(self.tags.get("ftn.ends", "[]")))

    @property
    def psnr(self) -> dict[float, float]:
        """PSNR in dB by level, on the test images of the pipeline that made the version."""
        return {float(level): value for level, value in json.loads(self.tags.get("ftn.psnr", "{}")).items()}

    @property
    def megabytes(self) -> float | None:
        """Size of the denoiser's file."""
        size = self.int_tag("ftn.bytes")
        return None if size is None else size / 1e6

    def int_tag(self, key: str) -> int | None:
        """The value of a tag that holds a whole number."""
        return int(self.tags[key]) if key in self.tags else None


def registered(client: "MlflowClient", model: str) -> "RegisteredModel":
    """A model's aliases and tags as MLflow has them. Raises ``UserError`` if there is no such model."""
    from mlflow.exceptions import MlflowException

    try:
        return client.get_registered_model(model)
    except MlflowException as error:
        if error.error_code != "RESOURCE_DOES_NOT_EXIST":
            raise
        store = without_credentials(tracking_uri())
        raise UserError(
            f"there is no model {model} in {store}: `make repro` registers one, --name names another"
        ) from None


def aliases(client: "MlflowClient", model: str) -> dict[str, str]:
    """Version number by alias. Raises ``UserError`` if there is no such model."""
    return {alias: str(number) for alias, number in registered(client, model).aliases.items()}


def all_versions(client: "MlflowClient", model: str) -> list[Version]:
    """Every version, the newest first. Raises ``UserError`` if there is no such model."""
    names: dict[str, list[str]] = {}
    for alias, number in aliases(client, model).items():
        names.setdefault(number, []).append(alias)
    found, token = [], None
    while True:
        page = client.search_model_versions(f"name = '{model}'", page_token=token)
        found += [_version(entry, names) for entry in page]
        token = page.token
        if not token:
            return sorted(found, key=lambda version: int(version.number), reverse=True)


def find_version(client: "MlflowClient", model: str, name: str) -> Version:
    """A version by its number or by an alias. Raises ``UserError`` that lists what there is."""
    found = all_versions(client, model)
    wanted = name.removeprefix("@")
    for version in found:
        if wanted == version.number or wanted in version.aliases:
            return version
    numbers = [version.number for version in found]
    known = [alias for version in found for alias in version.aliases]
    if wanted.isdigit():
        listed = ", ".join(reversed(numbers[:20])) if numbers else "none"
        raise UserError(f"{model} has no version {wanted}: there is {listed}")
    close = difflib.get_close_matches(wanted, known, n=1)
    hint = f"did you mean {close[0]}?" if close else f"there is {', '.join(known) or 'none'}"
    raise UserError(f"{model} has no version with the alias {wanted}, {hint}")


def set_alias(client: "MlflowClient", model: str, alias: str, number: str) -> bool:
    """Give a version an alias. Returns False if the version is deleted."""
    from mlflow.exceptions import MlflowException

    for tries_left in reversed(range(ALIAS_TRIES)):
        try:
            client.set_registered_model_alias(model, alias, number)
            return True
        except MlflowException as error:
            if error.error_code == "RESOURCE_DOES_NOT_EXIST":
                return False
            # MLflow reads the alias and then inserts it: of two processes at once, one violates a constraint
            if not tries_left or error.error_code not in ("BAD_REQUEST", "TEMPORARILY_UNAVAILABLE"):
                raise
    return False


def _version(entry: object, names: dict[str, list[str]]) -> Version:
    number = str(entry.version)  # type: ignore[attr-defined]
    return Version(
        number=number,
        aliases=sorted(names.get(number, [])),
        at=datetime.fromtimestamp(entry.creation_timestamp / 1000, UTC),  # type: ignore[attr-defined]
        run=entry.run_id or "none",  # type: ignore[attr-defined]
        source=entry.source,  # type: ignore[attr-defined]
        tags=dict(entry.tags),  # type: ignore[attr-defined]
        description=entry.description or "",  # type: ignore[attr-defined]
    )
