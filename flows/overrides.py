"""The parameters of one run: those of the commit, if it was scheduled, and values that were given for it.

``train.steps=3000`` comes from ``--set`` or from Prefect's form. After the run ``params.yaml`` is as it was before:
what somebody tried in a browser must not become what the next run trains.
"""

import contextlib
import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from flows.git import git_output
from flows.params_file import decode_yaml, read_params, replace_file, with_changes
from ftn_core.utils.errors import UserError
from tasks.paths import PARAMS

BEFORE = Path(".ftn/params.before.json")
"""What ``params.yaml`` was before a run, and what it is during it: for the next run, if this one is killed."""


@contextlib.contextmanager
def own_parameters(overrides: Sequence[str], committed: bool, say: Callable[[str], object]) -> Iterator[None]:
    """Within the block ``params.yaml`` has the run's own values. Afterwards it is as before, unless somebody edited it.

    Hold the run lock: no other run may be in such a block.

    Args:
        overrides: ``KEY=VALUE``.
        committed: take ``params.yaml`` of the commit, whatever lies in the working tree.
        say: called with a line for people.

    Raises:
        UserError: an override is malformed, or a key or value is not allowed. Nothing was written.
    """
    restore_parameters()
    before = text = read_params()
    if committed and before != (text := git_output("show", f"HEAD:./{PARAMS}")):
        say(f"{PARAMS} differs from the commit, whose values this run takes")
    during = _with_overrides(text, overrides)
    try:
        if during != before:
            BEFORE.parent.mkdir(exist_ok=True)
            # first, and whole: a kill at any moment leaves what it takes to go back
            replace_file(BEFORE, json.dumps({"before": before, "during": during}))
            replace_file(PARAMS, during)
        yield
    finally:
        restore_parameters()


def check_overrides(overrides: Sequence[str]) -> None:
    """Refuse at once what a run would refuse when it has the lock; arguments and errors as there.

    Another run may have values of its own in ``params.yaml`` at this moment: those that it leaves behind count.
    """
    _with_overrides(_before_run(read_params()), overrides)


def restore_parameters() -> None:
    """Make ``params.yaml`` what it was before the last run that had values of its own, also if that run was killed."""
    if BEFORE.exists():
        if PARAMS.exists() and (before := _before_run(text := PARAMS.read_text())) != text:
            replace_file(PARAMS, before)
        BEFORE.unlink()


def _before_run(text: str) -> str:
    """What ``params.yaml`` with this text was before the run whose values it has; the text itself if it has none's."""
    with contextlib.suppress(FileNotFoundError):
        texts = json.loads(BEFORE.read_text())
        if text == texts["during"]:
            return str(texts["before"])
    return text


def _with_overrides(text: str, overrides: Sequence[str]) -> str:
    return with_changes(text, [_parse(override) for override in overrides], " ".join(overrides))[0]


def _parse(override: str) -> tuple[tuple[str, ...], Any]:
    key, separator, value = override.partition("=")
    if not separator:
        raise UserError(f"override {override!r} is refused: KEY=VALUE is needed, such as train.steps=3000")
    return tuple(key.strip().split(".")), decode_yaml(value, f"override {override!r}")
