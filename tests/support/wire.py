"""HTTP requests, and a client that sends exactly the given bytes."""

import socket
from dataclasses import dataclass, field


@dataclass
class Request:
    """One HTTP request. ``refused``: the server must refuse it. A randomly damaged request may still be valid."""

    kind: str
    body: bytes = b""
    method: str = "POST"
    path: str = "/restore"
    headers: dict[str, str] = field(default_factory=dict)
    refused: bool = True

    def wire(self) -> bytes:
        headers = {"Host": "localhost", "Content-Length": str(len(self.body)), **self.headers}
        lines = [f"{self.method} {self.path} HTTP/1.1", *(f"{key}: {value}" for key, value in headers.items())]
        return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + self.body


class Client:
    """A client that keeps its connection as long as the server does."""

    def __init__(self, port: int, timeout: float = 60) -> None:
        self.address = ("127.0.0.1", port)
        self.timeout = timeout
        self._socket: socket.socket | None = None
        self._received = b""

    def send(self, wire: bytes, finished: bool = True) -> tuple[int, bytes]:
        """Send bytes; returns status and body of the answer. Unless ``finished``, sending is shut down afterwards.

        Raises:
            OSError: the server closed the connection without an answer.
        """
        if self._socket is None:
            self._socket, self._received = socket.create_connection(self.address, self.timeout), b""
        try:
            self._socket.sendall(wire)
            if not finished:
                self._socket.shutdown(socket.SHUT_WR)
            head = self._until(b"\r\n\r\n")
            status, headers = _parse(head)
            body = self._exactly(int(headers.get("content-length", 0))) if not wire.startswith(b"HEAD ") else b""
            if headers.get("connection") == "close" or not finished:
                self.close()
            return status, body
        except OSError:
            self.close()
            raise

    def close(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _until(self, mark: bytes) -> bytes:
        while mark not in self._received:
            self._receive()
        found, self._received = self._received.split(mark, 1)
        return found

    def _exactly(self, count: int) -> bytes:
        while len(self._received) < count:
            self._receive()
        found, self._received = self._received[:count], self._received[count:]
        return found

    def _receive(self) -> None:
        assert self._socket
        chunk = self._socket.recv(1 << 20)
        if not chunk:
            raise ConnectionResetError("closed without an answer")
        self._received += chunk


def _parse(head: bytes) -> tuple[int, dict[str, str]]:
    first, *lines = head.decode("latin-1").split("\r\n")
    return int(first.split()[1]), {k.lower(): v.strip().lower() for k, _, v in (line.partition(":") for line in lines)}
