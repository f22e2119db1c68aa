"""``python -m flows.dvc_process ARGUMENTS``: DVC, ending with the process that started it."""

import sys

from tasks.tether import tether

if __name__ == "__main__":
    tether()
    from dvc.cli import main

    sys.exit(main(sys.argv[1:]))
