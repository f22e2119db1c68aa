"""DVC's graph as a Prefect flow: one task run for each stage. Independent stages run at the same time."""

import argparse
import contextlib
import signal
import sys
from collections.abc import Callable, Iterable, Iterator
from itertools import count
from threading import Semaphore
from typing import TYPE_CHECKING

from prefect import flow, get_run_logger, task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State
from prefect.futures import PrefectConcurrentFuture
from prefect.runtime import flow_run
from prefect.states import Completed, Failed
from prefect.task_runners import ThreadPoolTaskRunner

from flows.artifacts import ProgressArtifact, show_mlflow_runs, show_results
from flows.dispatch import DispatchError, run_on_pool
from flows.lock import run_lock
from flows.next_steps import next_steps
from flows.notify import notify
from flows.overrides import check_overrides, own_parameters
from flows.server import AT_WORK, ensure_server
from flows.stage import Children, run_stage
from flows.states import REFUSED, failed_or_stopped
from flows.transfer import TransferError
from ftn_core.parameters import load_parameters
from ftn_core.utils.errors import UserError, disk_errors
from ftn_core.utils.limits import cores
from ftn_core.utils.messages import complain

if TYPE_CHECKING:
    from flows.graph import Stage


SCHEDULED = "auto-scheduled"
"""Tag that Prefect's scheduler gives to the runs that it creates."""


# DVC has the only cache: Prefect caches and stores nothing
@task(task_run_name="{name}", cache_policy=NO_CACHE, persist_result=False)
def bring_up_to_date(
    name: str,
    stage: "Stage",
    stages: list["Stage"],
    pool: str | None,
    local_slots: Semaphore,
    children: Children,
    begun: Iterator[int],
) -> State:
    """Bring one stage up to date, on this machine or on a pool; the state says how, and why it ran."""
    position = next(begun)
    if stage.up_to_date:
        return Completed(name="Cached", message="unchanged")
    progress = ProgressArtifact(name)
    logger = get_run_logger()
    logger.info(f"stage {position} of {len(stages)}: {name} ({stage.reason})")
    if pool:
        try:
            run_on_pool(stage, stages, pool, children)
        except (UserError, DispatchError, TransferError) as error:
            return Failed(message=f"{name}: {error}")
    with contextlib.nullcontext() if pool else local_slots:
        outcome = run_stage(name, children, force=stage.forced, on_line=logger.info, on_progress=progress)
    if state := failed_or_stopped(outcome):
        return state
    if outcome.how == "ran":
        progress.finish()
        return Completed(message=f"ran: {stage.reason}")
    return Completed(name="Cached", message="unchanged" if outcome.how == "unchanged" else "restored from DVC's cache")


@flow(name="pipeline", persist_result=False, timeout_seconds=7 * 24 * 3600, on_failure=[notify], on_crashed=[notify])
def pipeline(
    targets: list[str] | None = None,
    force: list[str] | None = None,
    overrides: list[str] | None = None,
    workers: int | None = None,
    pools: dict[str, str] | None = None,
) -> State:
    """Bring the graph of dvc.yaml up to date, as `dvc repro` does.

    While another run, or `make repro`, uses the same clone, the run waits. A run of the schedule takes params.yaml of
    the commit, whatever lies in the working tree.

    Args:
        targets: Stages, groups such as `finetune`, or output paths. All that they need runs, too. None: the whole
            graph.
        force: Stages or groups that run even if nothing changed.
        overrides: Parameters of this run, in the form of `dvc exp run -S`: `train.steps=3000`. Afterwards params.yaml
            is as before.
        workers: How many stages run at the same time on this machine. None: as many as there are cores for, with
            `threads` each.
        pools: By stage or group, the work pool on which it runs: `{"finetune": "gpu", "*": "default"}`. Stages that no
            entry names run on this machine.
    """
    # imported here, which costs no time: Prefect's heartbeat makes every flow run last a second anyway
    from flows.door import enter
    from flows.graph import read_graph
    from flows.stale_outputs import remove_stale_outputs

    try:
        if workers is not None and workers < 1:
            raise UserError(f"workers = {workers} is not allowed: at least 1")
        say = get_run_logger().info
        with (
            disk_errors(),
            run_lock(f"flow run {flow_run.name or 'of the pipeline'}", say) as lock,
            own_parameters(overrides or [], SCHEDULED in flow_run.tags, say),
        ):
            enter()
            read_graph(targets or [], force or [])  # refuses what is unknown before anything is removed
            remove_stale_outputs(say)
            stages = read_graph(targets or [], force or [])
            if workers is None:
                # on two cores, two trainings of two threads are faster one after the other than at the same time
                workers = max(1, cores() // load_parameters().threads)
            states = _run_stages(stages, workers, pools or {}, lock)
    except UserError as error:
        return Failed(name=REFUSED, message=str(error))
    return _final_state(stages, states)


def _final_state(stages: list["Stage"], states: dict[str, State]) -> State:
    """Show the results on the run's page; returns the state that sums up the run."""
    show_results(out for stage in stages if states[stage.name].is_completed() for out in stage.outputs)
    if any(state.name != "Cached" for state in states.values()):
        show_mlflow_runs([stage.name for stage in stages])
    failed = [
        f"{name}: {(state.message or '').partition(chr(10))[0].removeprefix(f'{name}: ')}"
        for name, state in states.items()
        if state.is_failed() or state.is_crashed()
    ]
    if failed:
        return Failed(message="\n".join(failed))
    cached = sum(state.name == "Cached" for state in states.values())
    return Completed(message=f"{len(states) - cached} stages ran, {cached} were cached")


def _run_stages(stages: list["Stage"], workers: int, pools: dict[str, str], lock: int) -> dict[str, State]:
    # after Ctrl-C or a cancellation, leaving the block first ends the children, then joins the threads
    runner: ThreadPoolTaskRunner[State] = ThreadPoolTaskRunner(max_workers=len(stages) if pools else workers)
    local_slots = Semaphore(workers)
    begun = count(1)  # shared by the threads: next() of it is atomic
    with AT_WORK, runner, Children(lock) as children:
        futures: dict[str, PrefectConcurrentFuture[State]] = {}
        for stage in stages:
            futures[stage.name] = runner.submit(
                bring_up_to_date.with_options(description=stage.description),
                {
                    "name": stage.name,
                    "stage": stage,
                    "stages": stages,
                    "pool": pool_of(stage.name, pools) if stage.portable and not stage.forced else None,
                    "local_slots": local_slots,
                    "children": children,
                    "begun": begun,
                },
                wait_for=[futures[up] for up in stage.upstream],
            )
        for future in futures.values():
            future.wait()
        return {name: future.state for name, future in futures.items()}


def pool_of(stage: str, pools: dict[str, str]) -> str | None:
    """The pool of a stage: from the entry of the stage itself, else of its group, else of ``*``."""
    return next((pools[key] for key in (stage, stage.partition("@")[0], "*") if key in pools), None)


def main(arguments: list[str] | None = None) -> int:
    """Run the flow from the command line; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m flows.pipeline", description="Run the DVC graph as a Prefect flow."
    )
    parser.add_argument(
        "--target",
        action="append",
        metavar="TARGET",
        help="stage, group or output path (repeatable; all without it)",
    )
    parser.add_argument(
        "--force",
        action="append",
        metavar="STAGE",
        help="stage or group to run even if unchanged (repeatable)",
    )
    parser.add_argument(
        "--set",
        action="append",
        metavar="KEY=VALUE",
        help="a parameter of this run, as dvc exp run -S (repeatable)",
    )
    parser.add_argument("--workers", type=int, help="stages at the same time (default: as many as there are cores for)")
    parser.add_argument(
        "--pool",
        action="append",
        default=[],
        metavar="[STAGE=]POOL",
        help="work pool for a stage or group; without STAGE, for every stage that can run there (repeatable)",
    )
    given = parser.parse_args(arguments)
    code = run_and_report(
        lambda: pipeline(
            targets=given.target,
            force=given.force,
            overrides=given.set,
            workers=given.workers,
            pools=dict(entry.rsplit("=", 1) if "=" in entry else ("*", entry) for entry in given.pool),
            return_state=True,
        ),
        [given.set or []],
    )
    if not code and not given.target:
        print(next_steps())
    return code


def run_and_report(run: Callable[[], State], overrides: Iterable[list[str]]) -> int:
    """Run a flow, on a server of its own if need be, and print what went wrong.

    Args:
        overrides: of each of its runs; a mistake in one is said before a server is started, which takes seconds.

    Returns:
        0: all is up to date, 1: a stage failed, 2: the user can repair it.
    """
    try:
        for own in overrides:
            check_overrides(own)
        ensure_server()
        state = run()
    except UserError as error:
        complain(str(error))
        return 2
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
    if state.is_completed():
        return 0
    print(state.message, file=sys.stderr)
    return 2 if state.name == REFUSED else 1


if __name__ == "__main__":
    sys.exit(main())
