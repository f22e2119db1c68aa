"""``python -m flows.repro ARGUMENTS`` is ``dvc repro ARGUMENTS`` under the run lock."""

import sys
from functools import partial

from flows.lock import run_lock
from flows.stale_outputs import remove_stale_outputs


def main() -> int:
    """Run DVC while holding the lock; returns DVC's exit code, or 130 after Ctrl-C."""
    from dvc.cli import main as dvc

    command = ["repro", *sys.argv[1:]]
    say = partial(print, flush=True)
    try:
        with run_lock(f"dvc {' '.join(command)}", say):
            remove_stale_outputs(say)
            return int(dvc(["--wait-for-lock", *command]))
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
