"""Notifications of failed runs by mail, chat or webhook, to the addresses in ``FTN_NOTIFY``."""

import logging
import os

from prefect import Flow
from prefect.client.schemas.objects import FlowRun, State
from prefect.logging.loggers import flow_run_logger
from prefect.settings import PREFECT_UI_URL

NOTIFY = "FTN_NOTIFY"
"""Environment variable: addresses in Apprise's form, such as ``mailto://...``, separated by spaces or commas."""


def notify(flow: Flow, flow_run: FlowRun, state: State) -> None:
    """Send name, state, reason and page of a run to all addresses; without any, do nothing."""
    addresses = os.environ.get(NOTIFY, "")
    if not addresses:
        return
    import apprise

    logging.getLogger("apprise").setLevel(logging.CRITICAL)  # its logs show addresses, which hold passwords
    sender = apprise.Apprise()
    known = sender.add(addresses)
    page = f"{PREFECT_UI_URL.value()}/runs/flow-run/{flow_run.id}"
    sent = sender.notify(title=f"ftn: {flow.name} {flow_run.name}: {state.name}", body=f"{state.message}\n{page}")
    if not (known and sent):
        # get_run_logger needs the context of a run, which a crashed one no longer has
        flow_run_logger(flow_run, flow).warning(f"not every address could be notified: check {NOTIFY}")
