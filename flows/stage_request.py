"""A request to run one stage on another machine, small enough to be a parameter of a flow run."""

from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

import yaml
from pydantic import BaseModel, Field

from flows.git import git_output
from ftn_core.utils.errors import UserError
from registry.repository import DVC_LOCK
from tasks.identity import locked_repo
from tasks.paths import PARAMS

if TYPE_CHECKING:
    from flows.graph import Stage


class StageRequest(BaseModel):
    """The state of the project in which the stage is to run."""

    commit: str = Field(description="Commit whose code runs")
    params: str = Field(description="Text of params.yaml")
    lock: dict[str, Any] = Field(description="Entries in dvc.lock of the stages whose outputs the stage reads")
    inputs: list[str] = Field(description="The outputs, or parts of outputs, that the stage reads")


def make_request(stage: "Stage", stages: list["Stage"]) -> StageRequest:
    """Request a stage in the state of this clone.

    Args:
        stage: The stage to run.
        stages: The stage and all that are upstream of it.

    Raises:
        UserError: code differs from the commit, so other machines cannot get it; or an input is not made yet.
    """
    changed = git_output("status", "--porcelain", "--untracked-files=no", "--", ".", f":!{PARAMS}", f":!{DVC_LOCK}")
    if changed:
        names = ", ".join(line[3:] for line in changed.splitlines())
        raise UserError(
            f"{names} differ from the commit, which is all that other machines get: commit, or run without pools"
        )
    with locked_repo():
        locked = yaml.safe_load(DVC_LOCK.read_text())["stages"] if DVC_LOCK.exists() else {}
    missing = [up for up in stage.upstream if up not in locked]
    if missing:
        raise UserError(f"{stage.name} reads what is not made yet: run {', '.join(missing)} first")
    outputs = [out for up in stages if up.name in stage.upstream for out in up.outputs]
    return StageRequest(
        commit=git_output("rev-parse", "HEAD").strip(),
        params=PARAMS.read_text(),
        lock={up: locked[up] for up in stage.upstream},
        inputs=sorted(_overlaps(stage.inputs, outputs)),
    )


def _overlaps(inputs: tuple[str, ...], outputs: list[str]) -> set[str]:
    """Where an input and an output overlap, the narrower path: an input may be part of an output, or hold several."""
    found = set()
    for needed in map(PurePosixPath, inputs):
        for made in map(PurePosixPath, outputs):
            if needed.is_relative_to(made):
                found.add(str(needed))
            elif made.is_relative_to(needed):
                found.add(str(made))
    return found
