"""A stage as a command: ``python -m tasks STAGE [VALUE ...]``, as in ``dvc.yaml``.

A stage is the function of its name in ``tasks/STAGE.py``. It takes the parameters, a tracker and the values of its
matrix. Its file is imported only after the command line was parsed, so ``--help`` and mistakes are answered at once.
"""

import argparse
import importlib
import os
import signal
import sys
from pathlib import Path
from typing import Any

import yaml

from ftn_core.utils.environment_file import load_environment
from ftn_core.utils.errors import UserError, disk_errors
from ftn_core.utils.garbage_collection import collect_rarely
from ftn_core.utils.messages import complain
from tasks.parent_death import end_with_parent
from tasks.running import mark_as_running

GRAPH = Path("dvc.yaml")


def main() -> None:
    """Run a stage: parse its values, check the parameters, track the run.

    Exit codes: 0 done, 2 a mistake that the user can repair (one line on stderr), 130 interrupted, 143 terminated.
    """
    # raise an exception, so that the MLflow run is ended on the way out
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(143))
    values = vars(_parser().parse_args())
    stage = values.pop("stage")
    # How long OpenMP's threads spin before they sleep. A training step synchronises them hundreds of times: sleeping at
    # once costs time, and spinning for long takes the cores from other programs (benchmarks/waiting_threads.py).
    # GNU's OpenMP reads this when torch is imported.
    os.environ.setdefault("GOMP_SPINCOUNT", "1000")
    collect_rarely()
    if "DVC_STAGE" in os.environ:
        end_with_parent()
        mark_as_running()
    load_environment()  # MLflow's address
    name = os.environ.get("DVC_STAGE") or "@".join([stage, *(["-".join(values.values())] if values else [])])
    try:
        with disk_errors():
            _run(stage, name, {key: float(value) if key == "level" else value for key, value in values.items()})
    except UserError as error:
        complain(f"{name}: {error}")
        sys.exit(2)
    except KeyboardInterrupt:
        sys.exit(130)


def _run(stage: str, name: str, values: dict[str, Any]) -> None:
    from ftn_core.parameters import load_parameters
    from ftn_core.parameters.quantities import objective
    from tasks.launch import run_in_processes

    params = load_parameters()
    step_of = (params.quantity or objective("", "")).step_of
    devices = params.train.devices if stage.startswith("train_") else 1
    with run_in_processes(name, devices, step_of) as tracker:
        getattr(importlib.import_module(f"tasks.{stage}"), stage)(params, tracker, **values)


def _parser() -> argparse.ArgumentParser:
    """One subcommand for each stage of the graph that this runs, with the axes of its matrix as arguments."""
    parser = argparse.ArgumentParser(prog="python -m tasks", description="Run one stage of dvc.yaml.")
    stages = parser.add_subparsers(dest="stage", required=True, metavar="STAGE")
    for name, stage in _graph().items():
        if stage.get("cmd", "").startswith(f"python -m tasks {name}"):
            command = stages.add_parser(name, help=stage["desc"], description=stage["desc"])
            for axis in stage.get("matrix", {}):
                command.add_argument(axis, type=_level if axis == "level" else str)
    return parser


def _graph() -> dict[str, Any]:
    try:
        # the parser in C, where there is one, takes a tenth of the time
        return yaml.load(GRAPH.read_text(), getattr(yaml, "CSafeLoader", yaml.SafeLoader))["stages"]
    except FileNotFoundError:
        complain(f"{GRAPH} does not exist: run this from the project's root")
        sys.exit(2)


def _level(text: str) -> str:
    """A level as the user wrote it: DVC's name of the stage has it like that."""
    try:
        float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"invalid float value: {text!r}") from None
    return text


if __name__ == "__main__":
    main()
