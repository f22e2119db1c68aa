"""Prefect's server; where it is and who we are, Prefect's settings say (environment, then profile)."""

import ssl
import uuid
from collections.abc import Iterator
from typing import Any

import httpx

from ftn_core.utils.network_errors import NO_ANSWER, SILENT
from ftn_core.utils.urls import redact_url
from stack.check import words
from stack.check.report import FaultError, Line, line

LOGIN = "PREFECT_API_AUTH_STRING (user:password, the server's PREFECT_SERVER_API_AUTH_STRING)"


def check() -> Iterator[Line]:
    """What ``PREFECT_API_URL`` or the profile names."""
    from prefect.settings import get_current_settings

    settings = get_current_settings().api
    if settings.url:
        yield line("Prefect", redact_url(settings.url), lambda: _probe(settings))
    else:
        yield Line(True, "Prefect", "nothing configured (PREFECT_API_URL): the embedded default, a server in each run")


def _probe(settings: Any) -> str:  # noqa: ANN401 - prefect's settings model
    auth, headers = None, {}
    if settings.auth_string:
        user, _, password = settings.auth_string.get_secret_value().partition(":")
        auth = user, password
    elif settings.key:
        headers = {"Authorization": f"Bearer {settings.key.get_secret_value()}"}
    verify = not settings.tls_insecure_skip_verify and ssl.create_default_context(cafile=settings.ssl_cert_file)
    limits = httpx.Timeout(words.READ, connect=words.CONNECT)
    try:
        with httpx.Client(auth=auth, headers=headers, verify=verify, timeout=limits) as client:
            url = settings.url.rstrip("/")
            listed = client.post(f"{url}/variables/filter", json={"limit": 1})
            if listed.status_code != 200:
                raise FaultError(words.refusal(listed, LOGIN))
            created = client.post(f"{url}/variables/", json={"name": f"ftn_check_{uuid.uuid4().hex}", "value": "ftn"})
            if created.status_code != 201:
                raise FaultError(f"reachable, readable, not writable: {words.refusal(created, LOGIN)}")
            variable = created.json()
            if client.delete(f"{url}/variables/{variable['id']}").status_code != 204:
                raise FaultError(f"writable, but deleting failed: variable {variable['name']} is left behind")
    except httpx.ConnectTimeout:
        raise FaultError(NO_ANSWER) from None
    except httpx.TimeoutException:
        raise FaultError(SILENT) from None
    except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
        raise FaultError(words.network_fault(str(error))) from None
    return "reachable, readable, writable"
