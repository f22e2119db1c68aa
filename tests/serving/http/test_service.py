"""`ftn serve` as a user starts it; FTN_MALFORMED=10000 sends that many malformed requests."""

import io
import os
import socket
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import httpx
import numpy as np
import pytest
from malformed import malformed
from model_service import ModelService
from PIL import Image
from wire import Client, Request

COUNT = int(os.environ.get("FTN_MALFORMED", "440"))


@pytest.fixture(scope="module")
def service(weights, expected, tmp_path_factory):
    service = ModelService(tmp_path_factory.mktemp("service"), weights, "--max-megapixels", "4")
    try:
        service.wait()
        yield service
    finally:
        service.stop()


def png(height=21, width=30, seed=0):
    file = io.BytesIO()
    picture = np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)
    Image.fromarray(picture).save(file, "PNG")
    return picture, file.getvalue()


def right(expected, picture, answer, sigma):
    """Whether the answer is the picture, restored at this level."""
    restored = expected(picture[None].astype(np.float32) / 255, sigma)[0]
    return np.abs(np.asarray(Image.open(io.BytesIO(answer))) - 255 * restored).max() < 0.51


def test_it_restores_at_the_level_in_the_query(service, expected):
    picture, file = png()
    for text, sigma in (("0", 0), ("0.35", 0.35), ("51/255", 0.2), ("2", 2)):
        status, answer = service.ask(file, f"?sigma={text}")
        assert status == 200 and right(expected, picture, answer, sigma)


@pytest.mark.parametrize("path", ["/docs", "/openapi.json", "/"])
def test_there_is_nothing_else(service, path):
    assert httpx.get(f"http://127.0.0.1:{service.port}{path}").status_code == 404


@pytest.mark.parametrize("length", ["Transfer-Encoding: chunked", "Content-Length: 10000000000"])
def test_a_body_without_end_is_refused_and_takes_no_memory(service, length):
    service.ask(png()[1])
    before = service.megabytes
    with socket.create_connection(("127.0.0.1", service.port), 30) as endless:
        endless.sendall(f"POST /restore HTTP/1.1\r\nHost: localhost\r\n{length}\r\n\r\n".encode())
        megabyte = b"100000\r\n" + b" " * 0x100000 + b"\r\n"  # as a chunk, or just bytes
        for _ in range(300):
            endless.sendall(megabyte)
        assert endless.recv(100).startswith(b"HTTP/1.1 413 ")
    assert service.megabytes - before < 50
    assert service.ask(png()[1])[0] == 200


def test_clients_at_different_levels_do_not_mix(service, expected):
    picture, file = png()
    sigmas = [0.2, 0.27, 0.35, 0.5]

    def ask(i):
        client = Client(service.port)
        wires = [Request("", file, path=f"/restore?sigma={sigmas[(i + k) % 4]}").wire() for k in range(8)]
        return [client.send(wire) for wire in wires]

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(ask, range(8)))
    for i, of_one in enumerate(answers):
        for k, (status, answer) in enumerate(of_one):
            assert status == 200 and right(expected, picture, answer, sigmas[(i + k) % 4])


def test_more_clients_than_it_serves_at_once_are_told_so_and_it_goes_on(service, expected):
    picture, file = png(500, 600)
    service.ask(file)
    before = service.megabytes
    with ThreadPoolExecutor(80) as pool:
        answers = list(pool.map(lambda _: service.ask(file, "?sigma=0.3"), range(160)))
    statuses = Counter(status for status, _ in answers)
    assert set(statuses) == {200, 429} and statuses[200] >= 32
    assert all(right(expected, picture, answer, 0.3) for status, answer in answers if status == 200)
    assert {answer for status, answer in answers if status == 429} == {b"too much to do at the moment: try again\n"}
    assert service.megabytes - before < 100
    assert service.ask(file)[0] == 200


def test_malformed_requests_are_refused_and_leave_it_serving(service, expected):
    """No answer is 5xx, and no request hangs or stops the service. Bytes that are not HTTP may close the connection."""
    outcomes: Counter = Counter()
    wrong = []
    client = Client(service.port)
    before = service.megabytes
    for request in malformed(seed=0, count=COUNT):
        raw = request.method == "raw"
        wire = request.body if raw else request.wire()
        answer = b""
        try:
            status, answer = client.send(wire, finished=not raw)
        except TimeoutError:
            status = 0
        except OSError:
            status = 499 if raw else 0  # the service closed the connection
        outcomes[request.kind, status] += 1
        one_line = status == 200 or (answer.count(b"\n") < 2 and answer.decode().rstrip("\n").isprintable())
        if not ((400 <= status < 500 or (status == 200 and not request.refused)) and one_line):
            wrong.append((status, request.kind, answer[:300], wire[-300:]))
    print(f"\n{COUNT} malformed requests:", *(f"{k[0]} {k[1]}: {n}" for k, n in sorted(outcomes.items())), sep="\n  ")
    print(f"{service.megabytes - before:.0f} MB more memory; the service wrote:", service.log.read_text()[-3000:])
    assert not wrong, wrong[:5]
    assert service.process.poll() is None
    picture, file = png()
    status, answer = service.ask(file, "?sigma=0.35")
    assert status == 200 and right(expected, picture, answer, 0.35)
    deadline = time.monotonic() + 10
    while left := list(service.log.parent.glob("ftn-*")):  # a file is removed after the answer is sent
        assert time.monotonic() < deadline, left
        time.sleep(0.05)
