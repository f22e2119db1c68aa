"""One stage on whatever machine takes it from a pool."""

from prefect import flow, get_run_logger, task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State
from prefect.runtime import flow_run
from prefect.states import Completed, Failed

from flows.artifacts import Progress, show_mlflow_runs
from flows.checkpoints import shared_checkpoints
from flows.gpu import gpu_slot
from flows.notify import notify
from flows.scratch import scratch_clone
from flows.stage import Children, Outcome, run_stage
from flows.stage_request import Order, make_order
from flows.states import REFUSED, unfinished
from flows.transfer import TransferError, pull, push
from ftn_core.utils.errors import UserError
from tasks.identity import identify


@flow(
    name="stage",
    flow_run_name="{name}",
    persist_result=False,
    timeout_seconds=3 * 24 * 3600,
    on_failure=[notify],
    on_crashed=[notify],
)
def stage(name: str, order: Order | None = None) -> State:
    """Run one stage of dvc.yaml in a scratch clone: pull what it reads, run it, push what it makes and its run.

    A pipeline run elsewhere, or `dvc pull --run-cache` and `dvc repro`, restores the result from there.

    Args:
        name: The stage, as `dvc stage list` names it: `train_base`, `finetune@ftn-0.5`.
        order: The state of the project to run it in; a pipeline run fills this in. None: commit, params.yaml and
            dvc.lock of the worker's clone.
    """
    try:
        order = order or _order_here(name)
        with scratch_clone(str(flow_run.id), order), Children() as children:
            pull(order.inputs, children)
            key = identify(name).resume_key
            with shared_checkpoints(key, get_run_logger().warning) as checkpoints:
                outcome = _run(name, children)
                if outcome.how == "ran":
                    push([name], children, runs=True)
                    checkpoints.tolerantly(checkpoints.clear)
                    show_mlflow_runs([name])
    except UserError as error:
        return Failed(name=REFUSED, message=str(error))
    except TransferError as error:
        return Failed(message=f"{name}: {error}")
    return unfinished(outcome) or Completed(message="its run is at DVC's remote")


@task(task_run_name="{name}", cache_policy=NO_CACHE, persist_result=False)
def _run(name: str, children: Children) -> Outcome:
    logger = get_run_logger()
    progress = Progress(name)
    with gpu_slot(logger.info) as environment:
        outcome = run_stage(name, children, env=environment, on_line=logger.info, on_progress=progress)
    progress.finish()
    return outcome


def _order_here(name: str) -> Order:
    from flows.graph import read_graph

    stages = read_graph([name])
    chosen = [found for found in stages if found.name == name]
    if not chosen:
        raise UserError(f"{name} is not one stage: `dvc stage list` names them")
    return make_order(chosen[0], stages)
