"""``python -m flows.repro ARGUMENTS`` is ``dvc repro ARGUMENTS`` under the run lock."""

import sys
from functools import partial

from flows.lock import run_lock
from flows.stale_outputs import remove_stale_outputs
from ftn_core.parameters import load_parameters
from ftn_core.utils.errors import UserError


def main() -> int:
    """Run DVC while holding the lock; returns DVC's exit code, 130 after Ctrl-C, 2 for a mistake in ``params.yaml``."""
    from dvc.cli import main as dvc

    command = ["repro", *sys.argv[1:]]
    say = partial(print, flush=True)
    try:
        with run_lock(f"dvc {' '.join(command)}", say):
            load_parameters()  # before anything is removed or runs
            remove_stale_outputs(say)
            return int(dvc(["--wait-for-lock", *command]))
    except UserError as error:
        print(error, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
