"""Who made which version champion, when and why: a record of our own, because MLflow keeps no history of aliases.

A record is an MLflow run of the experiment ``ftn-promotions``, created with all its tags in one request. Records have a
total order: by start time, then by run id; a new one starts after all that its writer saw, however clocks differ. It is
RUNNING until the alias has followed, and FINISHED from then on. docs/decisions/0008 says why, and what happens when two
move the alias at once or one dies in between.
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
from registry.repository import git

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

EXPERIMENT = "ftn-promotions"
ALIAS = "champion"
GRACE = 60.0
"""Seconds for which whoever wrote a record is taken to be still at it."""

OUTSIDE = "the alias was moved by other means than `register` and `ftn models`"

How = Literal["gate", "promote", "rollback", "outside"]
"""By the gate, by a person, by a rollback, or by something that keeps no record."""


@dataclass(frozen=True)
class Promotion:
    """One move of the alias."""

    id: str
    at: datetime
    version: str
    before: str | None
    """The version of the record before it, where there is one."""
    how: How
    who: str
    why: str
    settled: bool
    """Whether the alias is known to have followed."""


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
                settled=run.info.status == "FINISHED",
            )
        )
    return records


def champion(client: "MlflowClient", model: str) -> str | None:
    """The version that is champion now, after a promotion that broke off has been brought to its end."""
    return _settle(client, model)[1]


def promote(client: "MlflowClient", model: str, version: str, how: How, why: str) -> Promotion:
    """Write down that a version becomes champion, and make it so. Another one at the same moment may come after it."""
    records, now = _settle(client, model)
    if _moved_outside(records, now):
        time.sleep(1)  # or somebody else's repair, who is about to look again
        records, now = _settle(client, model)
    if now and _moved_outside(records, now):  # it belongs into the record all the same
        record = _append(client, model, records, now, "outside", "unknown", OUTSIDE)
        records, _ = _settle(client, model, record)
    mine = _append(client, model, records, version, how, who(), why)
    records, _ = _settle(client, model, mine)
    return next(record for record in records if record.id == mine)


def _moved_outside(records: list[Promotion], now: str | None) -> bool:
    """Whether the alias is where no record put it."""
    return now is not None and all(r.settled for r in records) and (not records or records[-1].version != now)


def line(records: list[Promotion]) -> list[str]:
    """The versions that a rollback goes back along, the present one last: those that were rolled back from are gone."""
    stack: list[str] = []
    for record in records:
        if record.how == "rollback" and record.version in stack:
            while stack[-1] != record.version:
                stack.pop()
        elif not stack or stack[-1] != record.version:
            stack.append(record.version)
    return stack


def rollback(client: "MlflowClient", model: str, why: str) -> tuple[Promotion, list[str]]:
    """Make the version champion that was before this one; the next call goes one further back.

    Returns the record, and the versions that were passed over because they are deleted.

    Raises:
        UserError: there is none before it.
    """
    records, now = _settle(client, model)
    back = line(records)
    if now and (not back or back[-1] != now):
        back.append(now)  # moved from outside
    there = {version.number for version in versions.all_of(client, model)}
    skipped: list[str] = []
    for version in reversed(back[:-1]):
        if version in there:
            return promote(client, model, version, "rollback", why), skipped
        skipped.append(version)
    but = f" but deleted ones ({', '.join(skipped)})" if skipped else ""
    raise UserError(
        f"{model} has no earlier champion{but} to go back to: `ftn models promote VERSION` names any version"
    )


def who() -> str:
    """Whose doing it is: the login at MLflow, else what Git calls them, else the system."""
    return os.environ.get("MLFLOW_TRACKING_USERNAME") or git("config", "user.name").stdout.strip() or getpass.getuser()


def _settle(client: "MlflowClient", model: str, mine: str = "") -> tuple[list[Promotion], str | None]:
    """Let the alias follow the newest record if any record is open; returns records and champion.

    An open record is one whose writer is at it, or died before the alias followed; only then is the alias touched, so
    that one that somebody moved by other means stays where it is. After the alias is set the records are read again,
    until the newest is the one that was set: of two writers at once, each puts the newer record through.
    """
    records = history(client, model)
    if any(not record.settled for record in records):
        while True:
            newest = records[-1]
            versions.set_alias(client, model, ALIAS, newest.version)  # of a deleted version nothing comes
            seen, records = records, history(client, model)
            if records[-1].id == newest.id:
                break
        for record in seen:
            # the writer of a young one may be about to set the alias; it will look again, and whoever looks until then
            if not record.settled and (record.id == mine or _age(record) > GRACE):
                client.set_terminated(record.id)
    while True:
        now = versions.aliases(client, model).get(ALIAS)
        before, records = records, history(client, model)
        if len(before) == len(records):  # else the alias may be of a record that was not yet seen
            return records, now


def _append(
    client: "MlflowClient", model: str, records: list[Promotion], version: str, how: How, who: str, why: str
) -> str:
    """Create a record after those that are known; returns its id."""
    start = time.time_ns() // 1_000_000
    if records:
        start = max(start, round(records[-1].at.timestamp() * 1000) + 1)
    tags = {"ftn.model": model, "ftn.version": version, "ftn.how": how, "ftn.who": who, "ftn.why": why}
    name = f"{model}: {records[-1].version if records else 'none'} -> {version}"
    return client.create_run(_experiment(client), start_time=start, tags=tags, run_name=name).info.run_id


def _age(record: Promotion) -> float:
    return time.time() - record.at.timestamp()


def _runs(client: "MlflowClient", model: str) -> "Iterator[Run]":
    experiment = client.get_experiment_by_name(EXPERIMENT)
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
        found = client.get_experiment_by_name(EXPERIMENT)
        return found.experiment_id if found else client.create_experiment(EXPERIMENT)
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise
        return client.get_experiment_by_name(EXPERIMENT).experiment_id  # another one was faster
