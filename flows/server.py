"""The Prefect server of a run: the one that ``PREFECT_API_URL`` names, else a temporary one."""

import threading

from prefect.client.orchestration import get_client
from prefect.settings import PREFECT_API_URL

from ftn_core.utils.errors import UserError
from ftn_core.utils.urls import redact_url

AT_WORK = threading.Lock()
"""Held while stages run. They need no server, so a run whose server is gone lets them end."""


def ensure_server() -> None:
    """Start a server, unless ``PREFECT_API_URL`` names one.

    Raises:
        UserError: ``PREFECT_API_URL`` names a server that does not answer.
    """
    if named := PREFECT_API_URL.value():
        with get_client(sync_client=True) as client:
            if error := client.api_healthcheck():
                raise UserError(
                    f"PREFECT_API_URL: Prefect at {redact_url(named)} does not answer ({error}): start it, or unset it"
                )
        return
    from flows.temporary_server import start_server  # imports all of Prefect's server, which takes a second

    start_server(AT_WORK)
