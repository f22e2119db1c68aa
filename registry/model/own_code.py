"""The code that answers is the version's own: Python imports a module once, and the first version's would serve all."""

import sys
from pathlib import Path

from mlflow.exceptions import MlflowException

from ftn_core.utils.neutral import counting


def refuse_other_code(folder: Path) -> None:
    """Raise ``MlflowException`` if this process has imported other code than what lies in a version's folder.

    Only files that can change results are compared.
    """
    stored = {file.relative_to(folder).as_posix(): file for file in folder.rglob("*.py")}
    for name in counting(stored):
        module = sys.modules.get(name.removesuffix(".py").replace("/", "."))
        imported = getattr(module, "__file__", None)
        if imported and Path(imported).read_bytes() != stored[name].read_bytes():
            raise MlflowException.invalid_parameter_value(
                f"this process has another version's {name} ({imported}): load each version in a process of its own"
            )
