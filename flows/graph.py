"""Reads the graph from DVC: its stages, what each depends on, and which are up to date."""

from collections.abc import Sequence
from dataclasses import dataclass

import networkx as nx
from dvc.exceptions import DvcException
from dvc.repo import Repo
from dvc.repo.reproduce import get_active_graph

from flows.reasons import followed, own_reasons
from ftn_core.utils.errors import UserError
from registry.repository import DVC_LOCK
from tasks.identity import locked_repo


@dataclass(frozen=True)
class Stage:
    """One stage, under the name by which DVC addresses it."""

    name: str
    description: str
    upstream: tuple[str, ...]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    portable: bool
    """Another machine can run it: it reads outputs of other stages, and DVC's run-cache keeps its result."""
    forced: bool
    reason: str
    """Why DVC would run it, in words. Empty: neither the stage nor anything upstream of it is forced or changed."""

    @property
    def up_to_date(self) -> bool:
        """DVC would do nothing."""
        return not self.reason


def read_graph(targets: Sequence[str] = (), forced: Sequence[str] = ()) -> list[Stage]:
    """Read the stages that ``dvc repro TARGETS`` would visit, upstream first.

    Both arguments take what DVC takes: stages, groups such as ``finetune``, output paths. No targets: everything in
    ``dvc.yaml``. This process asks DVC for the status of all stages at once: one process for each would cost more than
    a second.

    Raises:
        UserError: this is no DVC project, its graph is broken, or a target is not in it.
    """
    try:
        with locked_repo() as repo:
            return _read(repo, targets, forced)
    except DvcException as error:
        reason = f"{error}: {error.__cause__}" if error.__cause__ else str(error)
        remedy = f": `make repro` repairs {DVC_LOCK}" if str(DVC_LOCK) in reason else ""
        raise UserError(f"DVC: {' '.join(reason.split())}{remedy}") from error


def _read(repo: Repo, targets: Sequence[str], forced: Sequence[str]) -> list[Stage]:
    graph = get_active_graph(repo.index.graph)  # edges lead from a stage to its upstream
    wanted = _names(repo, targets or ["dvc.yaml"])
    must_run = _names(repo, forced)
    visited = [s for s in graph if s.addressing in wanted or _is_needed(graph, s, wanted)]
    outside = must_run - {s.addressing for s in visited}
    if outside:
        raise UserError(f"forced stage {', '.join(sorted(outside))} is not needed by the targets {', '.join(targets)}")

    stages: dict[str, Stage] = {}
    causes: dict[str, dict[str, None]] = {}  # by stage that runs, those that make it run, in order: perhaps itself
    for generation in nx.topological_generations(graph.subgraph(visited).reverse()):
        for stage in generation:
            name, upstream = stage.addressing, tuple(sorted(up.addressing for up in graph.successors(stage)))
            to_be_made = [out.fs_path for up in graph.successors(stage) if up.addressing in causes for out in up.outs]
            own = (["forced"] if name in must_run else []) + own_reasons(stage, to_be_made)
            earlier = {cause: None for up in upstream for cause in causes.get(up, {})}
            if own or earlier:
                causes[name] = {name: None} if own else earlier
            stages[name] = Stage(
                name=name,
                description=stage.desc or "",
                upstream=upstream,
                inputs=tuple(str(dep) for dep in stage.deps),
                outputs=tuple(str(out) for out in stage.outs),
                # what a stage without upstream reads, such as photographs, may be on this machine alone
                portable=bool(upstream) and not any(out.persist for out in stage.outs),
                forced=name in must_run,
                reason=", ".join(own) or (followed(earlier) if earlier else ""),
            )
    return list(stages.values())


def _is_needed(graph: nx.DiGraph, stage: object, wanted: set[str]) -> bool:
    return any(down.addressing in wanted for down in nx.ancestors(graph, stage))


def _names(repo: Repo, targets: Sequence[str]) -> set[str]:
    names: set[str] = set()
    for target in targets:
        try:
            names.update(info.stage.addressing for info in repo.stage.collect_granular(target))
        except DvcException as error:
            known = ", ".join(s.addressing for s in repo.index.stages)
            raise UserError(f"{target!r} is no stage, group or output of the graph (stages: {known})") from error
    return names
