"""What processes listen on, what docs/stack.md says of it, and what comes in without a key."""

import re
import socket
import ssl
from collections import defaultdict
from pathlib import Path

import psutil
import psycopg2
import pytest
import requests
from project import ROOT

from ftn_core.utils.urls import http_address

GRPC = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00"
"""With this every client of gRPC begins."""
HTTP = b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
WRONG_PROTOCOL = b"HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n"


def documented(settings: dict[str, str]) -> dict[tuple[str, str], str]:
    """The table of docs/stack.md: what lets one in, by port and address."""
    text = (ROOT / "docs/stack.md").read_text().partition("## What listens where")[2].partition("\n## ")[0]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line.startswith("|")]
    found = {}
    for _, ports, addresses, key in rows[2:]:
        name = re.search(r"FTN_\w+_PORT", ports)
        more = [int(number.replace(",", "")) for number in re.findall(r"\+ ([\d,]+)", ports)]
        numbers = [str(int(settings[name[0]]) + n) for n in more or [0]] if name else [ports]
        where = {"`FTN_BIND`": [settings["FTN_BIND"]], "loopback": ["127.0.0.1"]}
        where["`FTN_BIND` and loopback"] = [*where["`FTN_BIND`"], *where["loopback"]]
        found |= {(number, address): key for number in numbers for address in where[addresses]}
    return found


def listening(pid: int) -> dict[tuple[str, str], list[int]]:
    """The ports on which a process and its children listen, by port and address; those of workers are any."""
    found = defaultdict(list)
    for process in psutil.Process(pid).children(recursive=True):
        worker = "worker" in process.cmdline()
        for connection in process.net_connections("tcp"):
            if connection.status == psutil.CONN_LISTEN:
                address, port = connection.laddr
                found["any" if worker else str(port), address].append(port)
    return found


def writable_sockets(pid: int) -> list[Path]:
    """Socket files of the children of a process that others may write to."""
    children = psutil.Process(pid).children(recursive=True)
    paths = {Path(c.laddr) for child in children for c in child.net_connections("unix") if c.laddr}
    assert any(path.name.startswith("seaweedfs-filer") for path in paths)
    return [path for path in paths if path.exists() and path.stat().st_mode & 0o022]


def let_in(address: str, port: int, key: str) -> list[str]:
    """What a listener gives to somebody who has not the key that the table names."""
    match key:
        case "login":
            found = [
                _status("POST", address, port, "api/deployments/count"),
                _status("GET", address, port, "api/2.0/x"),
            ]
            return [] if found == [401, 401] else [f"{port}: {found}"]
        case "keys":
            asked = (("GET", ""), ("GET", "ftn"), ("PUT", "planted"))
            found = [_status(method, address, port, path) for method, path in asked]
            return [] if found == [403] * 3 else [f"{port}: {found}"]
        case "password":
            with pytest.raises(psycopg2.OperationalError, match="no password supplied"):
                psycopg2.connect(host=address, port=port, user="postgres", password="")
            return []
        case "certificate" | "token":
            answers = [_exchange(address, port, request, tls) for request in (GRPC, HTTP) for tls in (False, True)]
            return [f"{port}: {answer!r}" for answer in answers if answer not in (b"", WRONG_PROTOCOL)]
    raise AssertionError(f"no test knows this key: {key}")


def _status(method: str, address: str, port: int, path: str) -> int:
    return requests.request(method, f"{http_address(address, port)}/{path}", timeout=30).status_code


def _exchange(address: str, port: int, request: bytes, tls: bool) -> bytes:
    """What a server answers to a client without a certificate."""
    with socket.create_connection((address, port), timeout=30) as connection:
        try:
            if tls:
                context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
                context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
                context.set_alpn_protocols(["h2" if request == GRPC else "http/1.1"])
                connection = context.wrap_socket(connection)
            connection.sendall(request)
            return connection.recv(1000)
        except (ssl.SSLError, BrokenPipeError, ConnectionResetError):  # it asks for a certificate, and hangs up
            return b""
