"""Checks Prefect's server, with the address and login from Prefect's settings (environment, then profile)."""

import ssl
import uuid
from collections.abc import Iterator
from typing import Any

import httpx

from ftn_core.utils.network_errors import NO_ANSWER, SILENT
from ftn_core.utils.urls import redact_url
from stack.check import messages, timeouts
from stack.check.report import CheckError, CheckResult, run_probe

PREFECT_LOGIN = "PREFECT_API_AUTH_STRING (user:password, the server's PREFECT_SERVER_API_AUTH_STRING)"


def check() -> Iterator[CheckResult]:
    """Check the server that ``PREFECT_API_URL`` or the profile names."""
    from prefect.settings import get_current_settings

    settings = get_current_settings().api
    if settings.url:
        yield run_probe("Prefect", redact_url(settings.url), lambda: _probe_server(settings))
    else:
        yield CheckResult(
            True, "Prefect", "nothing configured (PREFECT_API_URL): the embedded default, a server in each run"
        )


def _probe_server(settings: Any) -> str:  # noqa: ANN401 - prefect's settings model
    auth, headers = None, {}
    if settings.auth_string:
        user, _, password = settings.auth_string.get_secret_value().partition(":")
        auth = user, password
    elif settings.key:
        headers = {"Authorization": f"Bearer {settings.key.get_secret_value()}"}
    verify = not settings.tls_insecure_skip_verify and ssl.create_default_context(cafile=settings.ssl_cert_file)
    limits = httpx.Timeout(timeouts.READ_SECONDS, connect=timeouts.CONNECT_SECONDS)
    try:
        with httpx.Client(auth=auth, headers=headers, verify=verify, timeout=limits) as client:
            url = settings.url.rstrip("/")
            listed = client.post(f"{url}/variables/filter", json={"limit": 1})
            if listed.status_code != 200:
                raise CheckError(messages.describe_refusal(listed, PREFECT_LOGIN))
            created = client.post(f"{url}/variables/", json={"name": f"ftn_check_{uuid.uuid4().hex}", "value": "ftn"})
            if created.status_code != 201:
                raise CheckError(
                    f"reachable, readable, not writable: {messages.describe_refusal(created, PREFECT_LOGIN)}"
                )
            variable = created.json()
            if client.delete(f"{url}/variables/{variable['id']}").status_code != 204:
                raise CheckError(f"writable, but deleting failed: variable {variable['name']} is left behind")
    except httpx.ConnectTimeout:
        raise CheckError(NO_ANSWER) from None
    except httpx.TimeoutException:
        raise CheckError(SILENT) from None
    except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
        raise CheckError(messages.describe_network_error(str(error))) from None
    return "reachable, readable, writable"
