"""Refuses what a web page of somebody else makes a browser send.

A browser reaches servers that only this machine can reach. A foreign page gets there with a name of its own that it
lets point to this machine (DNS rebinding), or by sending without reading the answer (cross-site request forgery).
"""

import ipaddress
import socket
from collections.abc import Iterable
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

_LOOPBACK = {"localhost", "127.0.0.1", "::1"}
_READING = {"GET", "HEAD"}


class OwnHosts:
    """ASGI middleware: requests under the server's own names only, and changes from its own pages only.

    A request for another host gets status 400. One with an ``Origin`` that is neither the host it is sent to nor an
    allowed name gets 403, unless it only reads.

    Args:
        listener: the server's socket. If it listens at ``0.0.0.0`` or ``::``, every address is its own: only a name can
            be made to point elsewhere.
        names: further names under which it is reached.
    """

    def __init__(self, app: ASGIApp, listener: socket.socket, names: Iterable[str]) -> None:
        self._app = app
        address = listener.getsockname()[0]
        self._names = {name.lower() for name in names}
        self._own = self._names | _LOOPBACK | {address}
        self._any_address = ipaddress.ip_address(address).is_unspecified

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse the request, or pass it on."""
        app = self._app if scope["type"] == "lifespan" else self._refusal(scope) or self._app
        await app(scope, receive, send)

    def _refusal(self, scope: Scope) -> PlainTextResponse | None:
        headers = Headers(scope=scope)
        host, origin = headers.get("host", ""), headers.get("origin")
        if not self._is_own(_hostname(f"//{host}")):
            text = "not a name of this server: `ftn demo` and `ftn serve` take further ones with --allowed-host\n"
            return PlainTextResponse(text, 400)
        if origin is not None and scope.get("method") not in _READING and not self._same_site(origin, host):
            return PlainTextResponse("another site's page may not do this\n", 403)
        return None

    def _is_own(self, name: str) -> bool:
        return name in self._own or (self._any_address and _is_address(name))

    def _same_site(self, origin: str, host: str) -> bool:
        # behind a proxy, the page's own name is not the host that the proxy sends to
        return urlsplit(origin).netloc.lower() == host.lower() or _hostname(origin) in self._names


def _hostname(url: str) -> str:
    """The host in a URL without its port; empty if there is none, or more than a host and a port."""
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return ""
    return "" if "@" in parts.netloc else parts.hostname or ""


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
