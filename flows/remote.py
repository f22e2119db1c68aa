"""Runs one stage on the machine whose worker takes it from a pool."""

from prefect import flow, get_run_logger, task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State
from prefect.runtime import flow_run
from prefect.states import Completed, Failed

from flows.artifacts import ProgressArtifact, show_mlflow_runs
from flows.checkpoints import shared_checkpoints
from flows.gpu import gpu_slot
from flows.notify import notify
from flows.scratch import scratch_clone
from flows.stage import Children, StageOutcome, run_stage
from flows.stage_request import StageRequest, make_request
from flows.states import REFUSED, failed_or_stopped
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
def stage(name: str, request: StageRequest | None = None) -> State:
    """Run one stage of dvc.yaml in a scratch clone: pull its inputs, run it, push its outputs and its run-cache entry.

    The result is then on DVC's remote: the pipeline restores it from there, and so do `dvc pull --run-cache` and
    `dvc repro`.

    Args:
        name: The stage, as `dvc stage list` names it: `train_base`, `finetune@ftn-0.5`.
        request: The state of the project to run it in; a pipeline fills this in. None: commit, params.yaml and
            dvc.lock of the worker's clone.
    """
    try:
        request = request or _request_here(name)
        with scratch_clone(str(flow_run.id), request), Children() as children:
            pull(request.inputs, children)
            key = identify(name).resume_key
            with shared_checkpoints(key, get_run_logger().warning) as checkpoints:
                outcome = _run_in_clone(name, children)
                if outcome.how == "ran":
                    push([name], children, runs=True)
                    checkpoints.attempt(checkpoints.clear)
                    show_mlflow_runs([name])
    except UserError as error:
        return Failed(name=REFUSED, message=str(error))
    except TransferError as error:
        return Failed(message=f"{name}: {error}")
    return failed_or_stopped(outcome) or Completed(message="its run is on DVC's remote")


@task(task_run_name="{name}", cache_policy=NO_CACHE, persist_result=False)
def _run_in_clone(name: str, children: Children) -> StageOutcome:
    logger = get_run_logger()
    progress = ProgressArtifact(name)
    with gpu_slot(logger.info) as environment:
        outcome = run_stage(name, children, env=environment, on_line=logger.info, on_progress=progress)
    progress.finish()
    return outcome


def _request_here(name: str) -> StageRequest:
    from flows.graph import read_graph

    stages = read_graph([name])
    chosen = [found for found in stages if found.name == name]
    if not chosen:
        raise UserError(f"{name} is not one stage: `dvc stage list` names them")
    return make_request(chosen[0], stages)
