"""Word of a failed run, to wherever ``FTN_NOTIFY`` says: mail, chat, a webhook."""

import logging
import os

from prefect import Flow
from prefect.client.schemas.objects import FlowRun, State
from prefect.logging.loggers import flow_run_logger
from prefect.settings import PREFECT_UI_URL

NOTIFY = "FTN_NOTIFY"
"""Addresses in Apprise's form, separated by spaces or commas, such as ``slack://...``, ``mailto://...``, ``jsons://host/path``."""


def notify(flow: Flow, flow_run: FlowRun, state: State) -> None:
    """Send name, state, reason and address of a run; nothing where no address is set."""
    addresses = os.environ.get(NOTIFY, "")
    if not addresses:
        return
    import apprise

    logging.getLogger("apprise").setLevel(logging.CRITICAL)  # it would log addresses, which hold passwords
    sender = apprise.Apprise()
    known = sender.add(addresses)
    page = f"{PREFECT_UI_URL.value()}/runs/flow-run/{flow_run.id}"
    sent = sender.notify(title=f"ftn: {flow.name} {flow_run.name}: {state.name}", body=f"{state.message}\n{page}")
    if not (known and sent):
        # not get_run_logger: for a run that crashed there is no context here
        flow_run_logger(flow_run, flow).warning(f"not everybody could be told of this: look at {NOTIFY}")
