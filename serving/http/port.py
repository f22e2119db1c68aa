"""Opens the port. This comes before loading, which takes seconds, so that a taken port is reported at once."""

import socket

from ftn_core.utils.errors import UserError
from ftn_core.utils.urls import http_address


def listen(host: str, port: int) -> socket.socket:
    """A listening socket. Port 0 takes any free port.

    Raises:
        UserError: the port is taken, or the address does not belong to this machine.
    """
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        # only of sockets with this number asyncio turns Nagle's algorithm off, which makes each answer 40 ms later
        listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen()
    except OSError as error:
        raise UserError(f"port {port} of {host} cannot be had ({error.strerror}): choose another with --port") from None
    return listener


def address_of(listener: socket.socket) -> str:
    """The socket's address as a URL."""
    return http_address(*listener.getsockname()[:2])
