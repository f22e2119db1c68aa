"""``python -m flows.why`` lists the stages that ``make repro`` would run, and why. It runs nothing."""

import sys

from flows.graph import read_graph
from ftn_core.parameters import load_parameters
from ftn_core.utils.errors import UserError, disk_errors


def main() -> int:
    """Print one line for each stage that would run.

    Returns 2 for a mistake in ``params.yaml`` or ``dvc.yaml``, else 0.
    """
    try:
        with disk_errors():
            load_parameters()
            stages = read_graph()
    except UserError as error:
        print(error, file=sys.stderr)
        return 2
    lines = [f"{stage.name}: {stage.reason}" for stage in stages if not stage.up_to_date]
    print("\n".join(lines) or "nothing would run")
    return 0


if __name__ == "__main__":
    sys.exit(main())
