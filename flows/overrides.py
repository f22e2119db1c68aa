"""Values of parameters given for a run: ``train.steps=3000``, from ``--set`` or from Prefect's form."""

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any

from flows.params_file import change_params, decode_yaml
from ftn_core.utils.errors import UserError
from tasks.paths import PARAMS


@contextlib.contextmanager
def overridden(overrides: Sequence[str]) -> Iterator[None]:
    """Write all overrides to ``params.yaml``. They stay there, unless the block raises a ``UserError``.

    They stay because a later ``dvc repro`` must see the values with which the results were made.

    Raises:
        UserError: an override is malformed, or a key or value is not allowed. Nothing was written.
    """
    before = PARAMS.read_bytes() if PARAMS.exists() else b""
    change_params([_parse(override) for override in overrides], " ".join(overrides))
    try:
        yield
    except UserError:
        PARAMS.write_bytes(before)
        raise


def _parse(override: str) -> tuple[tuple[str, ...], Any]:
    key, separator, value = override.partition("=")
    if not separator:
        raise UserError(f"override {override!r} is refused: KEY=VALUE is needed, such as train.steps=3000")
    return tuple(key.strip().split(".")), decode_yaml(value, f"override {override!r}")
