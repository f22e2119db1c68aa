"""From a version back to what made it, and whether the clone in the working directory would make it again."""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from registry import repository
from registry.versions import Version

if TYPE_CHECKING:
    from mlflow import MlflowClient

LineageState = Literal["ok", "differs", "unknown"]
RUNS = "runs.json"
"""File beside a version's model: by stage, the MLflow run that made its part."""


@dataclass(frozen=True)
class LineageCheck:
    """One thing that determines the weights: as recorded with the version, and as it is in this clone."""

    what: str
    recorded: str
    here: str
    state: LineageState
    remark: str = ""


def stage_runs(client: "MlflowClient", model: str, version: Version) -> dict[str, str]:
    """By stage, the MLflow run that made its part of a version, with a remark if the run is deleted."""
    from mlflow.exceptions import MlflowException

    found = {}
    for stage, run in json.loads(_stored(model, version, RUNS) or "{}").items():
        try:
            remark = "" if client.get_run(run).info.lifecycle_stage == "active" else " (deleted)"
        except MlflowException as error:
            if error.error_code != "RESOURCE_DOES_NOT_EXIST":
                raise
            remark = " (no longer there)"
        found[stage] = run + remark
    return dict(sorted(found.items()))


def lineage_checks(model: str, version: Version) -> list[LineageCheck]:
    """Compare a version's commit, working tree, ``dvc.lock`` and photographs with those of the working directory."""
    recorded = version.tags.get("ftn.commit", "unknown")
    made_at, dirty = recorded.removesuffix("-dirty"), recorded.endswith("-dirty")
    here = repository.commit()
    head = here.removesuffix("-dirty")
    known = re.fullmatch(r"[0-9a-f]{40}", made_at) is not None
    checks = [
        LineageCheck(
            "commit",
            recorded,
            head,
            "unknown" if not known or head == "unknown" else "ok" if head == made_at else "differs",
            _commit_remark(made_at, head, known),
        ),
        LineageCheck(
            "working tree",
            _tree(recorded),
            _tree(here),
            "unknown" if dirty or not known or head == "unknown" else "differs" if here.endswith("-dirty") else "ok",
            "what was changed when it was made is recorded nowhere" if dirty else "",
        ),
    ]
    lock = repository.DVC_LOCK
    stages = repository.locked_stages(lock.read_text()) if lock.exists() else None
    checks.append(_lock_check(model, version, stages))
    data = repository.data_hash(stages) if stages else None
    checks.append(_compare("photographs", version.tags.get("ftn.data"), data, "DVC's hash of data/photographs"))
    return checks


def verdict(checks: list[LineageCheck]) -> tuple[LineageState, str]:
    """Whether this clone would make the version again, as a state and as a sentence."""
    differing = [check.what for check in checks if check.state == "differs"]
    unknown = [check.what for check in checks if check.state == "unknown"]
    if differing:
        return "differs", f"this clone would not make it again: {', '.join(differing)} differ" + (
            "s" if len(differing) == 1 else ""
        )
    if unknown:
        return "unknown", f"nobody can tell whether this clone would make it again: {', '.join(unknown)} unknown"
    return "ok", "this clone makes it again: `dvc repro`, on a processor of the same kind bit by bit"


def _tree(commit: str) -> str:
    return "unknown" if commit == "unknown" else "changed" if commit.endswith("-dirty") else "clean"


def _commit_remark(made_at: str, head: str, known: bool) -> str:
    if head == "unknown":
        return repository.refusal()
    if not known or head == made_at:
        return ""
    if repository.has_commit(made_at):
        return f"this repository has it: git checkout {made_at[:12]}"
    return "this repository does not have it: fetch it first"


def _lock_check(model: str, version: Version, stages: dict[str, Any] | None) -> LineageCheck:
    check = _compare(
        "dvc.lock",
        version.tags.get("ftn.dvc_lock"),
        repository.lock_hash(stages) if stages else None,
        "all stages but register",
    )
    if check.state != "differs" or not stages:
        return check
    text = _stored(model, version, str(repository.DVC_LOCK))
    if text is None:
        return check
    stored = repository.locked_stages(text)
    names = sorted(name for name in {*stored, *stages} if stored.get(name) != stages.get(name))
    return LineageCheck(check.what, check.recorded, check.here, "differs", f"of {', '.join(names)}")


def _stored(model: str, version: Version, name: str) -> str | None:
    """The text of a file that was stored beside the model; None if it cannot be read."""
    import mlflow

    try:
        return Path(mlflow.artifacts.download_artifacts(f"models:/{model}/{version.number}/{name}")).read_text()
    except Exception:  # such files only add detail: the tags show whether something differs
        return None


def _compare(what: str, recorded: str | None, here: str | None, remark: str) -> LineageCheck:
    state: LineageState = "unknown" if not recorded or not here else "ok" if recorded == here else "differs"
    return LineageCheck(what, recorded or "not recorded", here or "not here yet: make repro", state, remark)
