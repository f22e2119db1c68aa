"""``python -m flows.repro ARGUMENTS`` is ``dvc repro ARGUMENTS`` under the run lock. It says how far it is."""

import argparse
import logging
import os
import sys
from functools import partial

from dvc.cli import DvcParserError, parse_args
from dvc.exceptions import DvcException
from dvc.repo.reproduce import collect_stages, get_active_graph, plan_repro

from flows.door import enter
from flows.lock import run_lock
from flows.next_steps import next_steps
from flows.overrides import restore_parameters
from flows.stale_outputs import remove_stale_outputs
from ftn_core.utils.errors import UserError, disk_errors
from tasks.identity import locked_repo
from tasks.parent_death import RUN


def main() -> int:
    """Run DVC while holding the lock; returns DVC's exit code, 130 after Ctrl-C, 2 for a mistake in ``params.yaml``."""
    from dvc.cli import main as dvc

    command = ["repro", *sys.argv[1:]]
    say = partial(print, flush=True)
    os.environ[RUN] = str(os.getpid())
    try:
        given = parse_args(command)
        with disk_errors(), run_lock(f"dvc {' '.join(command)}", say):
            restore_parameters()
            enter()  # before anything is removed or runs
            if plan := _plan(given):
                remove_stale_outputs(say)
                logging.getLogger("dvc.stage.run").addFilter(partial(_say_position, plan))
            code = int(dvc(["--wait-for-lock", *command]))
        if not code and not given.targets:
            say(next_steps())
        return code
    except DvcParserError:
        return 254
    except UserError as error:
        print(error, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130


def _plan(given: argparse.Namespace) -> list[str]:
    """The stages that DVC will visit, in its order; none if it cannot tell, and will say why."""
    try:
        with locked_repo() as repo:
            targets = given.targets or ["dvc.yaml"]
            stages = collect_stages(repo, targets, recursive=given.recursive, glob=given.glob)
            if given.all_pipelines or not given.single_item:
                graph = get_active_graph(repo.index.graph)
                named = [] if given.all_pipelines else stages
                stages = plan_repro(graph, named, pipeline=given.pipeline, downstream=given.downstream)
            return [stage.addressing for stage in stages]
    except DvcException:
        return []


def _say_position(plan: list[str], record: logging.LogRecord) -> bool:
    """A filter that lets every record of DVC's pass, after a line of our own before "Running stage"."""
    if record.msg == "Running stage '%s':" and record.args:
        name = str(record.args[0])  # type: ignore[index]
        if name in plan:
            print(f"stage {plan.index(name) + 1} of {len(plan)}: {name}", flush=True)
    return True


if __name__ == "__main__":
    sys.exit(main())
