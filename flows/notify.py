"""Word of a failed run, to wherever ``FTN_NOTIFY`` says: mail, chat, a webhook."""

import os

from prefect import Flow, get_run_logger
from prefect.client.schemas.objects import FlowRun, State
from prefect.settings import PREFECT_UI_URL

NOTIFY = "FTN_NOTIFY"
"""Addresses in Apprise's form, separated by spaces or commas, such as ``slack://...``, ``mailto://...``, ``jsons://host/path``."""


def notify(flow: Flow, flow_run: FlowRun, state: State) -> None:
    """Send name, state, reason and address of a run; nothing where no address is set."""
    addresses = os.environ.get(NOTIFY, "")
    if not addresses:
        return
    import apprise

    sender = apprise.Apprise()
    known = sender.add(addresses)
    page = f"{PREFECT_UI_URL.value()}/runs/flow-run/{flow_run.id}"
    sent = sender.notify(title=f"ftn: {flow.name} {flow_run.name}: {state.name}", body=f"{state.message}\n{page}")
    if not (known and sent):  # the addresses hold passwords, so none is named
        get_run_logger().warning(f"not everybody could be told of this: look at {NOTIFY}")
