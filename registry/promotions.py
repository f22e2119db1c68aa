"""The history of promotions: which version became champion, when, by whom and why. MLflow keeps no history of aliases.

A record is an MLflow run of the experiment ``ftn-promotions``. It is created with all its tags in one request. Records
are ordered by start time, then by run id. A new record starts after all records that its writer saw, even if clocks
differ. It has the status RUNNING until the alias has followed, and FINISHED from then on. docs/decisions/0008 says why,
and what happens when two processes move the alias at once, or when one dies halfway.
"""

import getpass
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal

from ftn_core.utils.errors import UserError
from registry import versions
from registry.repository import run_git

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

PROMOTIONS_EXPERIMENT = "ftn-promotions"
CHAMPION = "champion"
"""The alias that promotions move."""
WRITER_TIMEOUT = 60.0
"""Seconds after which the writer of an unconfirmed record is taken for dead."""

OUTSIDE_NOTE = "the alias was moved by other means than `register` and `ftn models`"

How = Literal["gate", "promote", "rollback", "outside"]
"""Moved by the gate, by a person, by a rollback, or by a program that keeps no record."""


@dataclass(frozen=True)
class Promotion:
    """One move of the alias."""

    id: str
    at: datetime
    version: str
    before: str | None
    """The version of the previous record; None in the first."""
    how: How
    who: str
    why: str
    confirmed: bool
    """Whether the alias has been seen at this version, or at that of a later record."""


def history(client: "MlflowClient", model: str) -> list[Promotion]:
    """All records of a model, the oldest first."""
    records: list[Promotion] = []
    for run in sorted(_runs(client, model), key=lambda run: (run.info.start_time, run.info.run_id)):
        tags = run.data.tags
        records.append(
            Promotion(
                id=run.info.run_id,
                at=datetime.fromtimestamp(run.info.start_time / 1000, UTC),
                version=tags["ftn.version"],
                before=records[-1].version if records else None,
                how=tags["ftn.how"],
                who=tags["ftn.who"],
                why=tags["ftn.why"],
                confirmed=run.info.status == "FINISHED",
            )
        )
    return records


def current_champion(client: "MlflowClient", model: str) -> str | None:
    """The champion's version. An interrupted promotion is completed first."""
    return _complete(client, model)[1]


def promote(client: "MlflowClient", model: str, version: str, how: How, why: str) -> Promotion:
    """Record that a version becomes champion, and move the alias. Another process may move it on at the same moment."""
    records, now = _complete(client, model)
    if _moved_outside(records, now):
        time.sleep(1)  # another process may be completing a promotion: it reads the records again at once
        records, now = _complete(client, model)
    if now and _moved_outside(records, now):  # the history gets a record of that move, too
        outside = _append(client, model, records, now, "outside", "unknown", OUTSIDE_NOTE)
        records, _ = _complete(client, model, outside)
    added = _append(client, model, records, version, how, who(), why)
    records, _ = _complete(client, model, added)
    return next(record for record in records if record.id == added)


def _moved_outside(records: list[Promotion], now: str | None) -> bool:
    """Whether the alias is at a version where no record put it."""
    return now is not None and all(r.confirmed for r in records) and (not records or records[-1].version != now)


def rollback_stack(records: list[Promotion]) -> list[str]:
    """The champions that rollbacks return to, in order; the last one is the present champion.

    A promotion pushes its version. A rollback pops the versions that it takes back.
    """
    stack: list[str] = []
    for record in records:
        if record.how == "rollback" and record.version in stack:
            while stack[-1] != record.version:
                stack.pop()
        elif not stack or stack[-1] != record.version:
            stack.append(record.version)
    return stack


def rollback(client: "MlflowClient", model: str, why: str) -> tuple[Promotion, list[str]]:
    """Make the previous champion champion again. The next call goes one further back.

    Returns the record, and the versions that were skipped because they are deleted.

    Raises:
        UserError: there is no previous champion.
    """
    records, now = _complete(client, model)
    stack = rollback_stack(records)
    if now and (not stack or stack[-1] != now):
        stack.append(now)  # the alias was moved from outside
    existing = {version.number for version in versions.all_versions(client, model)}
    skipped: list[str] = []
    for version in reversed(stack[:-1]):
        if version in existing:
            return promote(client, model, version, "rollback", why), skipped
        skipped.append(version)
    but = f" but deleted ones ({', '.join(skipped)})" if skipped else ""
    raise UserError(
        f"{model} has no earlier champion{but} to go back to: `ftn models promote VERSION` names any version"
    )


def who() -> str:
    """Who moves the alias: the login at MLflow, or else Git's ``user.name``, or else the system's login."""
    return (
        os.environ.get("MLFLOW_TRACKING_USERNAME") or run_git("config", "user.name").stdout.strip() or getpass.getuser()
    )


def _complete(client: "MlflowClient", model: str, own: str = "") -> tuple[list[Promotion], str | None]:
    """Complete unconfirmed promotions: let the alias follow the newest record. Returns all records and the champion.

    The writer of an unconfirmed record is either still at work, or it died before the alias followed. The alias is set
    only if there is such a record: an alias that was moved from outside stays. After setting the alias the records are
    read again, until the newest one is the one that was set. So of two writers at once, both end at the newer record.

    Args:
        own: id of a record that the caller has just written, and may confirm.
    """
    records = history(client, model)
    if any(not record.confirmed for record in records):
        while True:
            newest = records[-1]
            versions.set_alias(client, model, CHAMPION, newest.version)  # does nothing if the version is deleted
            seen, records = records, history(client, model)
            if records[-1].id == newest.id:
                break
        for record in seen:
            # The writer of a young record may be about to set the alias to an older version. It reads the records
            # again after that. Until then the record stays unconfirmed, so that every reader sets the alias again.
            if not record.confirmed and (record.id == own or _age(record) > WRITER_TIMEOUT):
                client.set_terminated(record.id)
    while True:
        now = versions.aliases(client, model).get(CHAMPION)
        before, records = records, history(client, model)
        if len(before) == len(records):  # otherwise the alias may belong to a record that was not read yet
            return records, now


def _append(
    client: "MlflowClient", model: str, records: list[Promotion], version: str, how: How, who: str, why: str
) -> str:
    """Create a record after all known ones. Returns its id."""
    start = time.time_ns() // 1_000_000
    if records:
        start = max(start, round(records[-1].at.timestamp() * 1000) + 1)
    tags = {"ftn.model": model, "ftn.version": version, "ftn.how": how, "ftn.who": who, "ftn.why": why}
    name = f"{model}: {records[-1].version if records else 'none'} -> {version}"
    return client.create_run(_experiment(client), start_time=start, tags=tags, run_name=name).info.run_id


def _age(record: Promotion) -> float:
    """Seconds since the record's start."""
    return time.time() - record.at.timestamp()


def _runs(client: "MlflowClient", model: str) -> "Iterator[Run]":
    experiment = client.get_experiment_by_name(PROMOTIONS_EXPERIMENT)
    if not experiment:
        return
    token = None
    while True:
        page = client.search_runs([experiment.experiment_id], f"tags.`ftn.model` = '{model}'", page_token=token)
        yield from page
        token = page.token
        if not token:
            return


def _experiment(client: "MlflowClient") -> str:
    from mlflow.exceptions import MlflowException

    try:
        found = client.get_experiment_by_name(PROMOTIONS_EXPERIMENT)
        return found.experiment_id if found else client.create_experiment(PROMOTIONS_EXPERIMENT)
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise
        # another process created it in between
        return client.get_experiment_by_name(PROMOTIONS_EXPERIMENT).experiment_id
