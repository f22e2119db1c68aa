"""Parameter overrides, in the form of ``dvc exp run -S``. They are checked before anything is written."""

import contextlib
import os
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

import yaml
from dvc.exceptions import InvalidArgumentError

from ftn_core.parameters import load_parameters, parse_parameters
from ftn_core.utils.errors import UserError
from tasks.paths import PARAMS


@contextlib.contextmanager
def overridden(overrides: Sequence[str]) -> Iterator[None]:
    """Write the overrides to ``params.yaml``. They stay there, unless the block raises a ``UserError``.

    They stay because a later ``dvc repro`` must see the values with which the results were made.

    Raises:
        UserError: an override is malformed, or a key or value is not allowed. Nothing was written.
    """
    if not overrides:
        load_parameters(PARAMS)
        yield
        return
    new, old = (PARAMS.with_name(f".params-{os.getpid()}-{which}.yaml") for which in ("new", "old"))
    try:
        try:
            shutil.copy2(PARAMS, old)
            shutil.copy2(PARAMS, new)
        except FileNotFoundError:
            raise UserError(f"{PARAMS} does not exist: run this from the project's root") from None
        _apply(new, overrides)
        new.replace(PARAMS)
        try:
            yield
        except UserError:
            old.replace(PARAMS)
            raise
    finally:
        new.unlink(missing_ok=True)
        old.unlink(missing_ok=True)


def _apply(path: Path, overrides: Sequence[str]) -> None:
    from dvc.utils.hydra import apply_overrides  # imports Hydra

    for override in overrides:  # one by one: Hydra's message does not always name the wrong one
        try:
            apply_overrides(path, [override])
        except InvalidArgumentError as error:
            reason = str(error.__cause__ or error).splitlines()[0].rstrip(".")
            raise UserError(f"override {override!r} is refused: {reason}") from error
    parse_parameters(yaml.safe_load(path.read_text()), origin=f"params.yaml with {' '.join(overrides)}")
