"""A stage on a pool: whoever takes it runs it, and its result comes back through DVC's remote."""

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

from flows.heartbeat import LOOK, Watch
from flows.stage import Children
from flows.stage_request import make_order
from flows.transfer import fetch_run, in_process, push
from ftn_core.utils.errors import UserError

if TYPE_CHECKING:
    from flows.graph import Stage

T = TypeVar("T")
CRASHES = 5
"""Machines that may die under one stage."""
PATIENCE = 900.0
"""Seconds for which Prefect's server may be away."""


class DispatchError(Exception):
    """A dispatched stage did not end well; why."""


def run_on_pool(stage: "Stage", stages: list["Stage"], pool: str, children: Children) -> None:
    """Have a pool run a stage, unless its run is known already; afterwards its outputs are in DVC's cache here.

    The same stage in the same state is dispatched once, whoever asks: a run that an interrupted pipeline has left
    behind is taken up.

    Raises:
        UserError: there is no such deployment, or other machines could not have the state of this clone.
        DispatchError: the stage failed, or too many of its machines died.
    """
    from tasks.identity import identify

    if fetch_run(stage.name):
        return
    order = make_order(stage, stages)
    push(list(stage.upstream), children)
    with in_process:
        identity = identify(stage.name).digest
    logger = get_run_logger()
    crashes = 0
    for attempt in count():
        began = time.time()
        key = f"{identity}-{pool}-{attempt}"
        run = _patiently(partial(_submit, stage.name, pool, order.model_dump(), key), children)
        if run is None:
            return
        logger.info(f"{stage.name} on pool {pool}: {PREFECT_UI_URL.value()}/runs/flow-run/{run.id}")
        old = bool(run.created and run.created.timestamp() < began - 5 and run.state and run.state.is_final())
        state = _wait(run.id, children)
        if state is None:
            return
        if state.is_completed() and fetch_run(stage.name):
            return
        crashes += state.is_crashed() and not old
        if old or (state.is_crashed() and crashes <= CRASHES):
            logger.warning(f"{stage.name}: {state.name}: {state.message}; another worker takes it over")
            continue
        what = "its run is not at DVC's remote" if state.is_completed() else state.message
        raise DispatchError(f"{state.name} on pool {pool}: {what}")


def _submit(name: str, pool: str, order: dict, key: str) -> FlowRun:
    with get_client(sync_client=True) as client:
        try:
            deployment = client.read_deployment_by_name(f"stage/stage-{pool}")
        except ObjectNotFound:
            raise UserError(
                f"Prefect has no deployment stage/stage-{pool}: `make up`, or `prefect deploy --all`"
            ) from None
        return client.create_flow_run_from_deployment(
            deployment.id, parameters={"name": name, "order": order}, idempotency_key=key, name=name
        )


def _wait(run: UUID, children: Children) -> State | None:
    """The final state of a run; ``None`` if this run was stopped meanwhile, and the other with it."""

    watch = Watch(run)
    while not children.stopped:
        if state := _patiently(watch.look, children):
            return state
        time.sleep(LOOK)
    with contextlib.suppress(httpx.HTTPError), get_client(sync_client=True) as client:
        client.set_flow_run_state(run, Cancelling(), force=True)
    return None


def _patiently(ask: Callable[[], T], children: Children) -> T | None:
    """Ask Prefect's server, which may be away for a while; ``None`` when this run was stopped meanwhile."""
    deadline = time.monotonic() + PATIENCE
    while not children.stopped:
        try:
            return ask()
        except httpx.HTTPError as error:
            if time.monotonic() > deadline:
                raise DispatchError(f"Prefect's server is away ({type(error).__name__}): run again") from None
            time.sleep(LOOK)
    return None
