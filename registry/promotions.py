"""The history of promotions: which version became champion, when, by whom and why. MLflow keeps no history of aliases.

A record is a tag of the registered model, ``ftn.promotion.TIME-RANDOM``. Each has a key of its own, so that no writer
overwrites another's. docs/decisions/0008 says why.
"""

import getpass
import json
import os
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal

from ftn_core.utils.errors import UserError
from registry import versions
from registry.repository import run_git

if TYPE_CHECKING:
    from mlflow import MlflowClient

CHAMPION = "champion"
"""The alias that promotions move."""

_PREFIX = "ftn.promotion."
_LONGEST_REASON = 4000  # characters; MLflow's tables hold 5000 for a tag
_TIME = "%Y-%m-%dT%H:%M:%S.%fZ"

How = Literal["gate", "promote", "rollback"]
"""Moved by the gate, by a person, or by a rollback."""


@dataclass(frozen=True)
class Promotion:
    """One move of the alias."""

    id: str
    at: datetime
    before: str | None
    """The champion that the writer saw; None if there was none."""
    version: str
    how: How
    who: str
    why: str


def current_champion(client: "MlflowClient", model: str) -> str | None:
    """The champion's version. Raises ``UserError`` if there is no such model."""
    return versions.aliases(client, model).get(CHAMPION)


def history(client: "MlflowClient", model: str) -> list[Promotion]:
    """All records of a model, the oldest first. Raises ``UserError`` if there is no such model."""
    tags = versions.registered(client, model).tags
    return [Promotion(key, _time_of(key), **json.loads(tags[key])) for key in sorted(tags) if key.startswith(_PREFIX)]


def _time_of(key: str) -> datetime:
    return datetime.strptime(key.removeprefix(_PREFIX).rpartition("-")[0], _TIME).replace(tzinfo=UTC)


def promote(client: "MlflowClient", model: str, version: str, how: How, why: str) -> Promotion:
    """Record that a version becomes champion, then move the alias.

    Of two that promote at once both are recorded, and the alias ends at the later record's version.

    Raises:
        UserError: there is no such model.
    """
    known = history(client, model)
    at = datetime.now(UTC)
    if known:  # the order stands even if this machine's clock is behind
        at = max(at, known[-1].at + timedelta(microseconds=1))
    key = f"{_PREFIX}{at.strftime(_TIME)}-{secrets.token_hex(4)}"
    content: dict[str, Any] = {"before": current_champion(client, model), "version": version, "how": how}
    content |= {"who": who(), "why": why[:_LONGEST_REASON]}
    client.set_registered_model_tag(model, key, json.dumps(content, ensure_ascii=False))
    while True:
        newest = history(client, model)[-1]
        versions.set_alias(client, model, CHAMPION, newest.version)
        if history(client, model)[-1] == newest:  # otherwise another was recorded meanwhile
            return Promotion(key, at, **content)


def rollback(client: "MlflowClient", model: str, why: str) -> tuple[Promotion, list[str]]:
    """Make the previous champion champion again. The next call goes one further back.

    Returns the record, and the versions that were skipped because they are deleted.

    Raises:
        UserError: there is no previous champion.
    """
    earlier = _champions(history(client, model), current_champion(client, model))[:-1]
    existing = {version.number for version in versions.all_versions(client, model)}
    skipped: list[str] = []
    for version in reversed(earlier):
        if version in existing:
            return promote(client, model, version, "rollback", why), skipped
        skipped.append(version)
    but = f" but deleted ones ({', '.join(skipped)})" if skipped else ""
    raise UserError(
        f"{model} has no earlier champion{but} to go back to: `ftn models promote VERSION` names any version"
    )


def _champions(records: list[Promotion], now: str | None) -> list[str]:
    """The champions that rollbacks return to, in order; the last one is the present champion.

    A promotion pushes its version. A rollback pops the versions that it takes back. A version where no record put the
    alias was champion, too: somebody moved it by other means.
    """
    stack: list[str] = []
    for record in records:
        if record.before and record.before not in stack:
            stack.append(record.before)
        if record.how == "rollback" and record.version in stack:
            _pop_to(record.version, stack)
        elif stack[-1:] != [record.version]:
            stack.append(record.version)
    if now in stack:
        _pop_to(now, stack)
    elif now:
        stack.append(now)
    return stack


def _pop_to(version: str, stack: list[str]) -> None:
    while stack[-1] != version:
        stack.pop()


def who() -> str:
    """Who moves the alias: the login at MLflow, or else Git's ``user.name``, or else the system's login."""
    return (
        os.environ.get("MLFLOW_TRACKING_USERNAME") or run_git("config", "user.name").stdout.strip() or getpass.getuser()
    )
