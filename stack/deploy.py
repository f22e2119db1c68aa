"""What Prefect's server has to know: pools, the deployments of ``prefect.yaml``, and who ends the runs of the dead."""

import os
import subprocess
import sys
from datetime import timedelta
from typing import TYPE_CHECKING

from ftn_core.utils.errors import UserError

if TYPE_CHECKING:
    from prefect.events.schemas.automations import AutomationCore

POOLS = ("default", "gpu")
HEARTBEAT = 30
"""Seconds between two signs of life of a flow run: the least that Prefect allows."""
SILENCE = 3 * HEARTBEAT
"""Seconds without one after which a run counts as dead."""


def deploy(environment: dict[str, str]) -> None:
    """Create pools, deployments and the automation, or bring them up to date.

    ``environment`` says where the server is; Prefect reads it when it is imported, so a process of its own does this.

    Raises:
        UserError: Prefect refuses; its own words.
    """
    for command in (["-m", "stack.deploy"], ["-m", "prefect", "--no-prompt", "deploy", "--all"]):
        done = subprocess.run(
            [sys.executable, *command],
            env=os.environ | environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
        )
        if done.returncode:
            raise UserError(f"Prefect's deployments: {(done.stdout + done.stderr).strip()}")


def _create_pools() -> None:
    from prefect.client.orchestration import get_client
    from prefect.client.schemas.actions import WorkPoolCreate
    from prefect.exceptions import ObjectAlreadyExists
    from prefect.workers.process import ProcessWorker

    descriptions = {"default": "Flow runs that mostly wait, and stages on the CPU", "gpu": "Stages that want a GPU"}
    with get_client(sync_client=True) as client:
        for pool in POOLS:
            template = ProcessWorker.get_default_base_job_template()
            new = WorkPoolCreate(name=pool, type="process", description=descriptions[pool], base_job_template=template)
            try:
                client.create_work_pool(new)
            except ObjectAlreadyExists:
                continue


def stale_runs() -> "AutomationCore":
    """Flow runs that give no sign of life end as crashed: their worker or machine is dead."""
    from prefect.client.schemas.objects import StateType
    from prefect.events import EventTrigger
    from prefect.events.actions import ChangeFlowRunState
    from prefect.events.schemas.automations import AutomationCore, Posture

    ended = {f"prefect.flow-run.{state}" for state in ("Completed", "Failed", "Cancelled", "Crashed", "Refused")}
    return AutomationCore(
        name="runs of dead workers",
        description=f"A flow run without a sign of life for {SILENCE} seconds ends as crashed.",
        trigger=EventTrigger(
            after={"prefect.flow-run.heartbeat"},
            expect={"prefect.flow-run.heartbeat", *ended},
            match={"prefect.resource.id": ["prefect.flow-run.*"]},
            for_each={"prefect.resource.id"},
            posture=Posture.Proactive,
            threshold=1,
            within=timedelta(seconds=SILENCE),
        ),
        actions=[
            ChangeFlowRunState(
                name="Crashed",
                state=StateType.CRASHED,
                message=f"No sign of life for {SILENCE} s: its worker is dead",
                force=False,
            )
        ],
    )


def _create_automation() -> None:
    from prefect.client.orchestration import get_client
    from prefect.utilities.asyncutils import run_coro_as_sync

    wanted = stale_runs()

    async def bring_up_to_date() -> None:
        async with get_client() as client:
            found = await client.read_automations_by_name(wanted.name)
            if found:
                await client.update_automation(found[0].id, wanted)
            else:
                await client.create_automation(wanted)

    run_coro_as_sync(bring_up_to_date())


if __name__ == "__main__":
    _create_pools()
    _create_automation()
