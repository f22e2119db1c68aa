"""Checks Prefect's server, with the address and login from Prefect's settings (environment, then profile)."""

import httpx

from ftn_core.utils.errors import UserError
from ftn_core.utils.urls import redact_url
from stack.check.messages import ANSWER_SECONDS, describe_network_error, describe_refusal

PREFECT_LOGIN = "PREFECT_API_AUTH_STRING (user:password, the server's PREFECT_SERVER_API_AUTH_STRING)"


def check() -> str:
    """Ask the server that ``PREFECT_API_URL`` or the profile names for a work pool."""
    from prefect.client.orchestration import get_client
    from prefect.settings import get_current_settings

    address = get_current_settings().api.url
    if not address:
        return "nothing configured (PREFECT_API_URL): the embedded default, a server in each run"
    where = redact_url(address)
    try:
        with get_client(sync_client=True, httpx_settings={"timeout": ANSWER_SECONDS}) as client:
            client.read_work_pools(limit=1)
    except httpx.HTTPStatusError as error:
        refused = describe_refusal(error.response.status_code, error.response.text, PREFECT_LOGIN)
        raise UserError(f"{where}: {refused}") from None
    except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
        raise UserError(f"{where}: {describe_network_error(f'{type(error).__name__} {error}')}") from None
    return f"{where}: reachable, the login is right"
