"""Why DVC would run a stage: what DVC's status of the stage says, in plain words."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from dvc.dependency.param import ParamsDependency
from dvc.stage import Stage

_WORDS = {"modified": "changed", "deleted": "is missing", "new": "is new", "not in cache": "is not in DVC's cache"}


def own_reasons(stage: Stage, to_be_made: Iterable[str]) -> list[str]:
    """What changed in a stage since it ran; empty if nothing did.

    Args:
        stage: A stage of DVC's index, whose project is locked.
        to_be_made: Outputs of earlier stages that will run. What is wrong with them says nothing about this stage.
    """
    if stage.outs and not any(out.hash_info for out in stage.outs):
        return ["it has not run yet"]
    reasons = ["its command changed"] if stage.changed_stage() else []
    if stage.is_callback or stage.always_changed:
        reasons.append("it runs every time")
    later = [Path(path) for path in to_be_made]
    for dep in [] if stage.frozen else stage.deps:
        if isinstance(dep, ParamsDependency):
            reasons += _parameters(dep)
        elif not any(_overlap(Path(dep.fs_path), path) for path in later):
            reasons += [f"{name} {_WORDS.get(how, how)}" for name, how in dep.status().items()]
    for out in stage.outs:
        reasons += [f"its output {name} {_WORDS.get(how, how)}" for name, how in out.status().items()]
    return reasons


def followed(causes: Iterable[str]) -> str:
    """The reason of a stage that runs only because earlier ones do; names three of them at most."""
    names = list(causes)
    rest = [f"{len(names) - 3} more"] if len(names) > 3 else []
    return f"follows {', '.join(names[:3] + rest)}"


def _parameters(dep: ParamsDependency) -> list[str]:
    if not dep.exists:
        return [f"{dep} is missing"]
    before = dep.hash_info.value or {}
    now = dep.read_params()
    return [line for key in dep.params for line in _differences(key, before.get(key), now.get(key))]


def _differences(key: str, before: Any, now: Any) -> Iterator[str]:  # noqa: ANN401 - values of params.yaml
    if isinstance(before, dict) and isinstance(now, dict):
        for name in [*now, *(name for name in before if name not in now)]:
            yield from _differences(f"{key}.{name}", before.get(name), now.get(name))
    elif before != now:
        yield f"{key} was {before}, is {now}"


def _overlap(a: Path, b: Path) -> bool:
    return a.is_relative_to(b) or b.is_relative_to(a)
