"""HTTP requests and a client that sends exactly the bytes it is told."""

import socket
from dataclasses import dataclass, field


@dataclass
class Request:
    """One HTTP request. ``refused``: whether it must be; damage by chance may leave a request that is still right."""

    kind: str
    body: bytes = b""
    method: str = "POST"
    path: str = "/invocations"
    headers: dict[str, str] = field(default_factory=lambda: {"Content-Type": "application/json"})
    refused: bool = True

    def wire(self) -> bytes:
        headers = {"Host": "localhost", "Content-Length": str(len(self.body)), **self.headers}
        lines = [f"{self.method} {self.path} HTTP/1.1", *(f"{key}: {value}" for key, value in headers.items())]
        return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + self.body


class Client:
    """A connection that is kept, as long as the server keeps it."""

    def __init__(self, port: int, timeout: float = 60) -> None:
        self.address = ("127.0.0.1", port)
        self.timeout = timeout
        self._socket: socket.socket | None = None
        self._left = b""

    def send(self, wire: bytes, finished: bool = True) -> tuple[int, bytes]:
        """Status and body of the answer; not ``finished``: the client sends no more, but waits for an answer.

        Raises:
            OSError: the server closed the connection without one.
        """
        if self._socket is None:
            self._socket, self._left = socket.create_connection(self.address, self.timeout), b""
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
        while mark not in self._left:
            self._more()
        found, self._left = self._left.split(mark, 1)
        return found

    def _exactly(self, count: int) -> bytes:
        while len(self._left) < count:
            self._more()
        found, self._left = self._left[:count], self._left[count:]
        return found

    def _more(self) -> None:
        assert self._socket
        chunk = self._socket.recv(1 << 20)
        if not chunk:
            raise ConnectionResetError("closed without an answer")
        self._left += chunk


def _parse(head: bytes) -> tuple[int, dict[str, str]]:
    first, *lines = head.decode("latin-1").split("\r\n")
    return int(first.split()[1]), {k.lower(): v.strip().lower() for k, _, v in (line.partition(":") for line in lines)}
