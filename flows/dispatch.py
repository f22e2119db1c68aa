"""Runs a stage on a pool: one of the pool's workers runs it, and its result comes back through DVC's remote."""

import contextlib
import time
from collections.abc import Callable
from functools import partial
from itertools import count
from typing import TYPE_CHECKING, TypeVar
from uuid import UUID

import httpx
from prefect import get_run_logger
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import FlowRun, State
from prefect.exceptions import ObjectNotFound
from prefect.settings import PREFECT_UI_URL
from prefect.states import Cancelling

from flows.heartbeat import POLL_SECONDS, HeartbeatMonitor
from flows.stage import Children
from flows.stage_request import make_request
from flows.transfer import dvc_thread_lock, fetch_run, push
from ftn_core.utils.errors import UserError

if TYPE_CHECKING:
    from flows.graph import Stage

T = TypeVar("T")
MAX_CRASHES = 5
"""Machines that may die under one stage."""
OUTAGE_SECONDS = 900.0
"""Seconds for which Prefect's server may be unreachable."""


class DispatchError(Exception):
    """A dispatched stage did not end well; the message says why."""


def run_on_pool(stage: "Stage", stages: list["Stage"], pool: str, children: Children) -> None:
    """Have a pool run a stage, unless its run is on DVC's remote already; then fetch the outputs into DVC's cache.

    The same stage in the same state is dispatched once, however many pipelines ask for it. A run that an interrupted
    pipeline had dispatched is used, too.

    Raises:
        UserError: there is no such deployment, or other machines cannot get the state of this clone.
        DispatchError: the stage failed, or too many machines died under it.
    """
    from tasks.identity import identify

    if fetch_run(stage.name):
        return
    request = make_request(stage, stages)
    push(list(stage.upstream), children)
    with dvc_thread_lock:
        identity = identify(stage.name).digest
    logger = get_run_logger()
    crashes = 0
    for attempt in count():
        began = time.time()
        key = f"{identity}-{pool}-{attempt}"
        run = _ask_server(partial(_submit, stage.name, pool, request.model_dump(), key), children)
        if run is None:
            return
        logger.info(f"{stage.name} on pool {pool}: {PREFECT_UI_URL.value()}/runs/flow-run/{run.id}")
        old = bool(run.created and run.created.timestamp() < began - 5 and run.state and run.state.is_final())
        state = _wait_for_run(run.id, children)
        if state is None:
            return
        if state.is_completed() and fetch_run(stage.name):
            return
        crashes += state.is_crashed() and not old
        if old or (state.is_crashed() and crashes <= MAX_CRASHES):
            logger.warning(f"{stage.name}: {state.name}: {state.message}; another worker takes it over")
            continue
        reason = "its run is not on DVC's remote" if state.is_completed() else state.message
        raise DispatchError(f"{state.name} on pool {pool}: {reason}")


def _submit(name: str, pool: str, request: dict, key: str) -> FlowRun:
    with get_client(sync_client=True) as client:
        try:
            deployment = client.read_deployment_by_name(f"stage/stage-{pool}")
        except ObjectNotFound:
            raise UserError(
                f"Prefect has no deployment stage/stage-{pool}: `make up`, or `prefect deploy --all`"
            ) from None
        return client.create_flow_run_from_deployment(
            deployment.id, parameters={"name": name, "request": request}, idempotency_key=key, name=name
        )


def _wait_for_run(run: UUID, children: Children) -> State | None:
    """The final state of a run; ``None`` if this flow was stopped meanwhile, which cancels the run."""
    monitor = HeartbeatMonitor(run)
    while not children.stopped:
        if state := _ask_server(monitor.poll, children):
            return state
        time.sleep(POLL_SECONDS)
    with contextlib.suppress(httpx.HTTPError), get_client(sync_client=True) as client:
        client.set_flow_run_state(run, Cancelling(), force=True)
    return None


def _ask_server(ask: Callable[[], T], children: Children) -> T | None:
    """Ask Prefect's server, again and again while it is unreachable; ``None`` if this flow was stopped meanwhile."""
    deadline = time.monotonic() + OUTAGE_SECONDS
    while not children.stopped:
        try:
            return ask()
        except httpx.HTTPError as error:
            if time.monotonic() > deadline:
                raise DispatchError(f"Prefect's server is unreachable ({type(error).__name__}): run again") from None
            time.sleep(POLL_SECONDS)
    return None
