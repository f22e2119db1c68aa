"""`mlflow models serve` as a user starts it; FTN_MALFORMED=10000 sends that many malformed requests."""

import json
import os
import socket
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from malformed import malformed
from model_service import ModelService
from wire import Client, Request

MAX_PIXELS = 4096
COUNT = int(os.environ.get("FTN_MALFORMED", "390"))


@pytest.fixture(scope="module")
def service(weights, expected, tmp_path_factory):
    service = ModelService(tmp_path_factory.mktemp("service"), weights, FTN_SERVICE_MAX_PIXELS=str(MAX_PIXELS))
    try:
        service.wait()
        yield service
    finally:
        service.stop()


@pytest.fixture
def images():
    return np.random.default_rng(0).random((1, 21, 30, 3), np.float32)


@pytest.mark.parametrize("sigma", [0, 0.2, 0.35, 0.5, 2])
def test_it_answers_with_the_dial_in_params(service, expected, images, sigma):
    status, found = service.ask({"inputs": images.tolist(), "params": {"sigma": sigma}})
    assert status == 200
    np.testing.assert_allclose(np.array(found["predictions"], np.float32), expected(images, sigma), atol=1e-6)


def test_without_params_it_takes_the_base_level(service, expected, images):
    status, found = service.ask({"instances": images.tolist()})
    assert status == 200
    np.testing.assert_allclose(np.array(found["predictions"], np.float32), expected(images, 0.2), atol=1e-6)


PIXEL = [[[[0.5, 0.5, 0.5]]]]


@pytest.mark.parametrize(
    ("payload", "status", "words"),
    [
        (b"", 400, "not JSON"),
        (b'{"inputs": [[[[0.5, NaN, 0.5]]]]}', 400, "not JSON"),
        (b'{"inputs": ' + b"[" * 5000 + b"]" * 5000 + b"}", 400, "not JSON"),
        ({"inputs": []}, 400, "N x height x width x 3 and not empty, not 0"),
        ({"inputs": 0.5}, 400, "not a single value"),
        ({"inputs": [[[[0.5]]]]}, 400, "not 1 x 1 x 1 x 1"),
        ({"inputs": PIXEL[0]}, 400, "not 1 x 1 x 3"),
        ({"inputs": [[[[0.5, 0.5, 0.5], [0.5]]]]}, 400, "all rows of one length"),
        ({"inputs": [[[["0.5", 0.5, 0.5]]]]}, 400, "a number, not a string"),
        ({"inputs": [[[[None, 0.5, 0.5]]]]}, 400, "null"),
        ({"inputs": [[[[1e39, 0.5, 0.5]]]]}, 400, "finite"),
        ({"inputs": [[[[128, 64, 255]]]]}, 400, "divide 0 .. 255 by 255"),
        ({"inputs": PIXEL, "params": {"sigma": -1}}, 400, "sigma must be from 0 to 2"),
        ({"inputs": PIXEL, "params": {"sigma": 51}}, 400, "sigma must be from 0 to 2"),
        ({"inputs": PIXEL, "params": {"sigma": [0.2]}}, 400, "sigma must be a number, not list"),
        ({"inputs": PIXEL, "params": {"sgima": 0.2}}, 400, "unknown key 'sgima'"),
        ({"inputs": PIXEL, "sigma": 0.2}, 400, "unknown key 'sigma'"),
        ({"inputs": np.zeros((1, 65, 64, 3)).tolist()}, 413, "4,096 pixels"),
        (b" " * 64 * 4200, 413, "bytes"),
    ],
)
def test_what_is_wrong_is_said(service, payload, status, words):
    found, answer = service.ask(payload)
    assert found == status and words in answer["message"]


@pytest.mark.parametrize("kind", ["text/csv", "application/vnd.apache.parquet", "application/json; charset=utf-16"])
def test_json_alone_is_taken(service, kind):
    status, answer = service.ask({"inputs": PIXEL}, Content_Type=kind)
    assert status == 415 and "application/json" in answer["message"]


def test_as_many_pixels_as_are_allowed(service):
    images = np.random.default_rng(0).random((1, 64, 64, 3)).tolist()
    assert service.ask({"inputs": images})[0] == 200


@pytest.mark.parametrize("length", ["Transfer-Encoding: chunked", "Content-Length: 10000000000"])
def test_a_body_without_end_is_refused_and_takes_no_memory(service, length):
    service.ask({"inputs": PIXEL})
    before = service.megabytes
    with socket.create_connection(("127.0.0.1", service.port), 30) as endless:
        head = f"POST /invocations HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n{length}\r\n\r\n"
        endless.sendall(head.encode())
        megabyte = b"100000\r\n" + b" " * 0x100000 + b"\r\n"  # as a chunk, or just bytes
        for _ in range(300):
            endless.sendall(megabyte)
        assert endless.recv(100).startswith(b"HTTP/1.1 413 ")
    assert service.megabytes - before < 50
    assert service.ask({"inputs": PIXEL})[0] == 200


def test_clients_at_different_sigmas_do_not_mix(service, expected, images):
    sigmas = [0.2, 0.27, 0.35, 0.5]
    bodies = [json.dumps({"inputs": images.tolist(), "params": {"sigma": sigma}}).encode() for sigma in sigmas]

    def ask(i):
        client = Client(service.port)
        return [client.send(Request("", bodies[(i + k) % 4]).wire())[1] for k in range(8)]

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(ask, range(8)))
    alone = [expected(images, sigma) for sigma in sigmas]
    for i, of_one in enumerate(answers):
        for k, answer in enumerate(of_one):
            found = np.array(json.loads(answer)["predictions"], np.float32)
            np.testing.assert_allclose(found, alone[(i + k) % 4], atol=1e-6)


def test_malformed_requests_are_refused_and_leave_it_serving(service, expected, images):
    """No answer is 5xx, and no request hangs or stops the service. Bytes that are not HTTP may close the connection."""
    outcomes: Counter = Counter()
    wrong = []
    client = Client(service.port)
    for request in malformed(seed=0, count=COUNT):
        raw = request.method == "raw"
        wire = request.body if raw else request.wire()
        try:
            status, _ = client.send(wire, finished=not raw)
        except TimeoutError:
            status = 0
        except OSError:
            status = 499 if raw else 0  # the service closed the connection
        outcomes[request.kind, status] += 1
        if not (400 <= status < 500 or (status == 200 and not request.refused)):
            wrong.append((status, request.kind, wire[-300:]))
    print(f"\n{COUNT} malformed requests:", *(f"{k[0]} {k[1]}: {n}" for k, n in sorted(outcomes.items())), sep="\n  ")
    assert not wrong, wrong[:5]
    assert service.process.poll() is None
    status, found = service.ask({"inputs": images.tolist(), "params": {"sigma": 0.35}})
    assert status == 200
    np.testing.assert_allclose(np.array(found["predictions"], np.float32), expected(images, 0.35), atol=1e-6)
