"""Sets up Prefect's server: pools, the deployments of ``prefect.yaml``, and an automation that ends dead runs."""

import os
import subprocess
import sys
from datetime import timedelta
from typing import TYPE_CHECKING

from ftn_core.utils.errors import UserError

if TYPE_CHECKING:
    from uuid import UUID

    from prefect.client.schemas.objects import DeploymentSchedule
    from prefect.events.schemas.automations import AutomationCore

POOLS = ("default", "gpu")
HEARTBEAT_SECONDS = 30
"""Seconds between two heartbeats of a flow run: the least that Prefect allows."""
DEAD_SECONDS = 3 * HEARTBEAT_SECONDS
"""Seconds without a heartbeat after which a run counts as dead."""
JOB_TEMPLATE = {
    "job_configuration": {"stream_output": True},  # it must hold something
    "variables": {"type": "object", "properties": {}, "additionalProperties": False},
}
"""A request for a run chooses no command, folder or environment: without a template of ours, Prefect's lets it."""


def deploy(environment: dict[str, str]) -> None:
    """Create pools, deployments and the automation, or bring them up to date.

    Prefect reads its environment when it is imported, so child processes do this.

    Args:
        environment: Variables that hold the server's address and login.

    Raises:
        UserError: Prefect refuses; the message holds its output.
    """
    done = subprocess.run(
        [sys.executable, "-m", "stack.deploy"],
        env=os.environ | environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise UserError(f"Prefect's deployments: {(done.stdout + done.stderr).strip()}")


def _create_pools() -> None:
    from prefect.client.orchestration import get_client
    from prefect.client.schemas.actions import WorkPoolCreate, WorkPoolUpdate
    from prefect.exceptions import ObjectAlreadyExists

    descriptions = {"default": "Flow runs that mostly wait, and stages on the CPU", "gpu": "Stages on a GPU"}
    with get_client(sync_client=True) as client:
        for pool in POOLS:
            new = WorkPoolCreate(
                name=pool, type="process", description=descriptions[pool], base_job_template=JOB_TEMPLATE
            )
            try:
                client.create_work_pool(new)
            except ObjectAlreadyExists:
                client.update_work_pool(pool, WorkPoolUpdate(base_job_template=JOB_TEMPLATE))


def dead_run_automation() -> "AutomationCore":
    """Marks flow runs without a heartbeat as crashed: their worker or machine is dead."""
    from prefect.client.schemas.objects import StateType
    from prefect.events import EventTrigger
    from prefect.events.actions import ChangeFlowRunState
    from prefect.events.schemas.automations import AutomationCore, Posture

    ended = {f"prefect.flow-run.{state}" for state in ("Completed", "Failed", "Cancelled", "Crashed", "Refused")}
    return AutomationCore(
        name="runs of dead workers",
        description=f"A flow run without a heartbeat for {DEAD_SECONDS} seconds ends as crashed.",
        trigger=EventTrigger(
            after={"prefect.flow-run.heartbeat"},
            expect={"prefect.flow-run.heartbeat", *ended},
            match={"prefect.resource.id": ["prefect.flow-run.*"]},
            for_each={"prefect.resource.id"},
            posture=Posture.Proactive,
            threshold=1,
            within=timedelta(seconds=DEAD_SECONDS),
        ),
        actions=[
            ChangeFlowRunState(
                name="Crashed",
                state=StateType.CRASHED,
                message=f"No heartbeat for {DEAD_SECONDS} s: its worker is dead",
                force=False,
            )
        ],
    )


def _create_automation() -> None:
    from prefect.client.orchestration import get_client
    from prefect.utilities.asyncutils import run_coro_as_sync

    wanted = dead_run_automation()

    async def bring_up_to_date() -> None:
        async with get_client() as client:
            found = await client.read_automations_by_name(wanted.name)
            if found:
                await client.update_automation(found[0].id, wanted)
            else:
                await client.create_automation(wanted)

    run_coro_as_sync(bring_up_to_date())


def _create_deployments() -> int:
    """Create those of ``prefect.yaml``. It turns every schedule off: one that somebody has turned on stays on."""
    on = any(schedule.active for _, schedule in _schedules())
    done = subprocess.run([sys.executable, "-m", "prefect", "--no-prompt", "deploy", "--all"], check=False)
    if on and not done.returncode:
        from prefect.client.orchestration import get_client

        with get_client(sync_client=True) as client:
            for deployment, schedule in _schedules():
                client.update_deployment_schedule(deployment, schedule.id, active=True)
    return done.returncode


def _schedules() -> "list[tuple[UUID, DeploymentSchedule]]":
    """Those of the pipeline, each with its deployment."""
    from prefect.client.orchestration import get_client
    from prefect.exceptions import ObjectNotFound

    with get_client(sync_client=True) as client:
        try:
            deployment = client.read_deployment_by_name("pipeline/pipeline")
        except ObjectNotFound:
            return []
        return [(deployment.id, schedule) for schedule in deployment.schedules]


if __name__ == "__main__":
    _create_pools()
    _create_automation()
    sys.exit(_create_deployments())
