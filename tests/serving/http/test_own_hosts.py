"""The hosts and origins that a server answers to, by where it listens. With real servers: test_intruders.py."""

import socket

import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from serving.http.own_hosts import OwnHosts


def ask(address: str, host: str, origin: str | None = None, names: tuple[str, ...] = ()) -> int:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.create_server((address, 0), family=family) as listener:
        app = OwnHosts(Starlette(routes=[Route("/", lambda _: PlainTextResponse(), methods=["POST"])]), listener, names)
        return TestClient(app).post("/", headers={"Host": host} | ({"Origin": origin} if origin else {})).status_code


@pytest.mark.parametrize(
    ("address", "host", "status"),
    [
        ("127.0.0.1", "127.0.0.1:8000", 200),
        ("127.0.0.1", "LocalHost", 200),
        ("127.0.0.1", "192.0.2.1", 400),
        ("127.0.0.2", "127.0.0.2:8000", 200),
        ("::1", "[::1]:8000", 200),
        ("0.0.0.0", "192.0.2.1:8000", 200),
        ("::", "[2001:db8::1]", 200),
        ("0.0.0.0", "other.example", 400),
        ("127.0.0.1", "user@127.0.0.1", 400),
        ("127.0.0.1", "127.0.0.1:x", 400),
        ("127.0.0.1", "", 400),
    ],
)
def test_it_answers_under_its_own_address(address, host, status):
    assert ask(address, host) == status


def test_a_name_is_allowed_by_the_option():
    assert ask("0.0.0.0", "ftn.example", names=("FTN.example",)) == 200
    assert ask("0.0.0.0", "evil.ftn.example", names=("ftn.example",)) == 400


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        ("http://127.0.0.1:8000", 200),
        ("http://127.0.0.1:8001", 403),
        ("http://localhost:8000", 403),
        ("https://ftn.example", 200),
        ("https://evil.example", 403),
        ("null", 403),
    ],
)
def test_behind_a_proxy_the_pages_name_is_the_option(origin, status):
    assert ask("127.0.0.1", "127.0.0.1:8000", origin, names=("ftn.example",)) == status
