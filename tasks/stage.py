"""From a typed function to a command: ``python -m tasks.NAME`` for every stage.

A stage is a function of the parameters, a tracker and, for matrix stages, the matrix's own values, which become
the command's arguments. Its file imports what is heavy only for type checkers or inside the function, so that
``--help`` answers at once.
"""

import argparse
import inspect
import os
import signal
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

from dotenv import load_dotenv

from ftn_core.errors import UserError
from tasks import collector
from tasks.tether import tether

if TYPE_CHECKING:
    from ftn_core.parameters import Parameters

Opening = Callable[[str, "Parameters"], AbstractContextManager[Any]]
"""Of a stage's name and the parameters: opens what the stage is given as its tracker."""


def main(stage: Callable[..., None], opening: Opening | None = None) -> None:
    """Run a stage as a command: parse its arguments, check the parameters, track the run.

    ``opening`` stands where it runs in several processes, of which one tracks.

    Exit codes: 0 done, 2 a mistake that the user can repair (one line on stderr), 130 interrupted, 143 terminated.
    """
    # as an exception, so that the MLflow run is closed on the way out
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(143))
    parser = argparse.ArgumentParser(prog=f"python -m tasks.{stage.__name__}", description=inspect.getdoc(stage))
    for name, parameter in inspect.signature(stage).parameters.items():
        if parameter.annotation is bool:
            parser.add_argument(f"--{name}", action="store_true")
        elif name not in ("params", "tracker"):
            parser.add_argument(name, type=parameter.annotation)
    arguments = vars(parser.parse_args())
    # Threads that sleep at once lose time at each of a step's hundreds of meetings; threads that spin for long take
    # the cores from whatever else runs (benchmarks/waiting_threads.py). GNU's OpenMP reads this with torch's import.
    os.environ.setdefault("GOMP_SPINCOUNT", "1000")
    collector.relax()
    if "DVC_STAGE" in os.environ:
        tether()
    load_dotenv(".env")  # where MLflow is
    from ftn_core.parameters import load_parameters
    from tasks.tracking import track

    name = os.environ.get("DVC_STAGE") or _stage_name(stage.__name__, arguments)
    try:
        params = load_parameters()
        with opening(name, params) if opening else track(name) as tracker:
            stage(params, tracker, **arguments)
    except UserError as error:
        print(f"{name}: {error}", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        sys.exit(130)


def _stage_name(function: str, arguments: dict[str, object]) -> str:
    """What DVC calls the stage: ``finetune@ftn-0.5``, ``calibrate_chain@ftn``."""
    function += "".join(f"_{name}" for name, value in arguments.items() if value is True)
    places = [str(value) for value in arguments.values() if not isinstance(value, bool)]
    return function + ("@" + "-".join(places) if places else "")
