import asyncio
import json

import numpy as np
import pytest
from starlette.requests import Request

from registry.model import endpoint as module
from registry.model.endpoint import MAX_BUFFERED, Endpoint

PICTURE = json.dumps({"inputs": [[[[0.5, 0.25, 1.0]]]]}).encode()


def halved(images, params):
    return images / 2


def request(*chunks, declared=None, silent=False, kind=b"application/json"):
    """Starlette's request of these chunks. If ``silent``, the request never ends."""
    left = list(chunks)
    headers = [(b"content-type", kind)] + ([(b"content-length", b"%d" % declared)] if declared else [])

    async def receive():
        if not left:
            await asyncio.sleep(3600 if silent else 0)
            return {"type": "http.request", "body": b"", "more_body": False}
        return {"type": "http.request", "body": left.pop(0), "more_body": True}

    return Request({"type": "http", "headers": headers}, receive), left


async def answer(endpoint, *chunks, **how):
    status, text = await endpoint(request(*chunks, **how)[0])
    return status, json.loads(text)


def test_a_body_may_come_in_pieces():
    status, found = asyncio.run(answer(Endpoint(halved, 100), PICTURE[:7], PICTURE[7:]))
    assert status == 200 and found == {"predictions": [[[[0.25, 0.125, 0.5]]]]}


def test_float32_survives_the_way():
    images = np.random.default_rng(0).random((1, 5, 7, 3), np.float32)
    body = json.dumps({"inputs": images.tolist()}).encode()
    _, found = asyncio.run(answer(Endpoint(lambda x, params: x, 100), body))
    np.testing.assert_array_equal(np.array(found["predictions"], np.float32), images)


def test_a_body_declared_too_large_is_not_read():
    endpoint = Endpoint(halved, 100)
    asked, left = request(PICTURE, declared=endpoint.max_bytes + 1)
    status, text = asyncio.run(endpoint(asked))
    assert status == 413 and left and f"{endpoint.max_bytes:,} bytes, for 100 pixels" in json.loads(text)["message"]


def test_a_body_that_grows_too_large_is_not_read_to_its_end():
    endpoint = Endpoint(halved, 100)
    asked, left = request(*[b" " * 1000] * 100)
    assert asyncio.run(endpoint(asked))[0] == 413
    assert len(left) > 90


def test_a_request_that_does_not_end_times_out(monkeypatch):
    monkeypatch.setattr(module, "REQUEST_TIMEOUT", 0.05)
    status, found = asyncio.run(answer(Endpoint(halved, 100), PICTURE[:7], silent=True))
    assert status == 408 and "not come to its end" in found["message"]


def test_memory_for_bodies_is_bounded_and_released(monkeypatch):
    monkeypatch.setattr(module, "REQUEST_TIMEOUT", 0.3)
    endpoint = Endpoint(halved, 100)

    async def crowd():
        fill = b" " * endpoint.max_bytes
        waiting = [asyncio.create_task(answer(endpoint, fill, silent=True)) for _ in range(MAX_BUFFERED)]
        await asyncio.sleep(0.1)
        crowded = await answer(endpoint, PICTURE)
        gone = [status for status, _ in await asyncio.gather(*waiting)]
        return crowded, gone, await answer(endpoint, PICTURE)

    (status, found), gone, after = asyncio.run(crowd())
    assert status == 429 and "try again" in found["message"]
    assert gone == [408] * MAX_BUFFERED and after[0] == 200


def test_an_error_of_the_network_is_raised_and_not_blamed_on_the_caller():
    def broken(images, params):
        raise RuntimeError("out of memory")

    with pytest.raises(RuntimeError, match="out of memory"):
        asyncio.run(answer(Endpoint(broken, 100), PICTURE))


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        (b"application/json", 200),
        (b"Application/JSON; charset=UTF-8", 200),
        (b"application/json; charset=latin-1", 415),
        (b"text/csv", 415),
        (b"", 415),
    ],
)
def test_json_alone_is_taken(kind, status):
    assert asyncio.run(answer(Endpoint(halved, 100), PICTURE, kind=kind))[0] == status
