"""All that another machine needs to know to run one stage: small enough to be a parameter of its flow run."""

from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

import yaml
from pydantic import BaseModel, Field

from flows.git import git
from ftn_core.utils.errors import UserError
from tasks.identity import locked_repo

if TYPE_CHECKING:
    from flows.graph import Stage

LOCK, PARAMS = Path("dvc.lock"), Path("params.yaml")


class Order(BaseModel):
    """Which state of the project a stage is to be run in."""

    commit: str = Field(description="Commit whose code is run")
    params: str = Field(description="Text of params.yaml")
    lock: dict[str, Any] = Field(description="Entries in dvc.lock of the stages whose outputs this one reads")
    inputs: list[str] = Field(description="What of these outputs it reads")


def make_order(stage: "Stage", stages: list["Stage"]) -> Order:
    """The state of the clone at hand, as far as it concerns the stage; ``stages`` are it and all upstream of it.

    Raises:
        UserError: code differs from the commit, so that another machine could not have it; or an input is not made.
    """
    changed = git("status", "--porcelain", "--untracked-files=no", "--", ".", f":!{PARAMS}", f":!{LOCK}")
    if changed:
        names = ", ".join(line[3:] for line in changed.splitlines())
        raise UserError(
            f"{names} differ from the commit, which is all that other machines get: commit, or run without pools"
        )
    with locked_repo():
        locked = yaml.safe_load(LOCK.read_text())["stages"] if LOCK.exists() else {}
    missing = [up for up in stage.upstream if up not in locked]
    if missing:
        raise UserError(f"{stage.name} reads what is not made yet: run {', '.join(missing)} first")
    outputs = [out for up in stages if up.name in stage.upstream for out in up.outputs]
    return Order(
        commit=git("rev-parse", "HEAD").strip(),
        params=PARAMS.read_text(),
        lock={up: locked[up] for up in stage.upstream},
        inputs=sorted(_overlaps(stage.inputs, outputs)),
    )


def _overlaps(inputs: tuple[str, ...], outputs: list[str]) -> set[str]:
    """The narrower of each input and output of which one lies in the other: an input may be part of an output."""
    found = set()
    for needed in map(PurePosixPath, inputs):
        for made in map(PurePosixPath, outputs):
            if needed.is_relative_to(made):
                found.add(str(needed))
            elif made.is_relative_to(needed):
                found.add(str(made))
    return found
