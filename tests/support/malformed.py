"""Random requests of many kinds that the service must refuse."""

import json
import random
from collections.abc import Callable, Iterator

from wire import Request


def malformed(seed: int, count: int) -> Iterator[Request]:
    """Requests of each kind below in turn, with random details."""
    rng = random.Random(seed)
    makers = [_pixel, _shape, _scale, _dial, _params, _keys, _text, _bytes, _damaged, _media, _charset, _place, _http]
    for i in range(count):
        yield makers[i % len(makers)](rng)


def image(rng: random.Random, height: int = 0, width: int = 0, channels: int = 3) -> list:
    height, width = height or rng.randint(1, 6), width or rng.randint(1, 6)
    return [[[round(rng.random(), 3) for _ in range(channels)] for _ in range(width)] for _ in range(height)]


def _json(kind: str, payload: object, **more: object) -> Request:
    return Request(kind, payload if isinstance(payload, bytes) else json.dumps(payload).encode(), **more)


def _pixel(rng: random.Random) -> Request:
    """One value is not a number, or not on the scale of an image."""
    picture = [image(rng)]
    row = rng.choice(rng.choice(picture[0]))
    row[rng.randrange(3)] = "@"
    values = [
        "NaN", "Infinity", "-Infinity", "1e999", "-1e999", "1e39", "1e300", "255", "-17", "null", "true", '"0.5"',
        '"a"', '""', "[]", "[0.5]", "{}", '{"a":1}', "9" * 400, "9" * 5000, "0x1", "01", "1.", ".5", "+1", "1_0", "'",
        '"\\ud800"',
    ]  # fmt: skip
    text = json.dumps({rng.choice(["inputs", "instances"]): picture, "params": {"sigma": 0.3}})
    return _json("pixel", text.replace('"@"', rng.choice(values)).encode())


def _shape(rng: random.Random) -> Request:
    picture = image(rng, 2, 2)
    shapes: list[object] = [
        [], [[]], [[[]]], [[[[]]]], [[], []], picture, picture[0], picture[0][0], 0.5, "picture",
        {"images": [picture]}, [[picture]], [image(rng, channels=rng.choice([1, 2, 4, 5, 0]))],
        [[*picture, picture[0][:1]]], [picture, image(rng, 3, 2)], [[[0.5, 0.5, 0.5], [0.5, 0.5]]],
        [{"inputs": picture}], [picture, 1], [[picture[0], []]], json.loads("[" * 70 + "]" * 70),
    ]  # fmt: skip
    return _json("shape", {"inputs": rng.choice(shapes), "params": {"sigma": 0.3}})


def _scale(rng: random.Random) -> Request:
    """0 .. 255 instead of 0 .. 1."""
    picture = [[[rng.randint(17, 255) for _ in range(3)] for _ in range(4)] for _ in range(4)]
    return _json("scale", {"inputs": [picture]})


def _dial(rng: random.Random) -> Request:
    values = ["NaN", "Infinity", "-1", "-1e-9", "51", "2.5", "1e300", "1e999", "9" * 400, "9" * 5000, "null", "true",
              '"0.2"', '"51/255"', "[0.2]", "[]", "{}", "-0.1", "{\"sigma\": 0.2}", '"' + "a" * 5000 + '"']  # fmt: skip
    text = json.dumps({"inputs": [image(rng)], "params": {"sigma": "@"}})
    return _json("dial", text.replace('"@"', rng.choice(values)).encode())


def _params(rng: random.Random) -> Request:
    values = [[], [0.2], 0.2, "sigma", True, {"sgima": 0.2}, {"sigma": 0.2, "method": "ftn"}, {"": 0.2}, {"Sigma": 0.2}]
    return _json("params", {"inputs": [image(rng)], "params": rng.choice(values)})


def _keys(rng: random.Random) -> Request:
    one, table = [image(rng)], {"columns": ["a"], "data": [[1]]}
    payloads: list[object] = [
        {}, {"input": one}, {"messages": one}, {"prompt": "denoise"}, {"inputs": one, "instances": one},
        {"inputs": one, "sigma": 0.2}, {"params": {"sigma": 0.2}}, {"dataframe_split": table},
        {"dataframe_records": [{"a": 1}]}, {"inputs": one, "signature_name": "x"}, {"dataframe_split": 1},
        {"dataframe_records": {}}, {"dataframe_split": {"data": one}}, one, 1, None, "inputs", True, [],
    ]  # fmt: skip
    return _json("keys", rng.choice(payloads))


def _text(rng: random.Random) -> Request:
    """Text that is not JSON, or JSON that is ambiguous."""
    good = json.dumps({"inputs": [image(rng)], "params": {"sigma": 0.3}})
    deep = rng.choice([500, 990, 5000, 100_000])
    texts = [
        good[: rng.randrange(len(good))], good + "}", good + good, good.replace('"', "'"), "", " ", "\n" * 100, "\0",
        "nul", good.replace('"inputs"', '"inputs": [[[[0.5, 0.5, 0.5]]]], "inputs"', 1),
        good.replace("0.3}", '0.3, "sigma": 0.4}'), '{"inputs": ' + "[" * deep + "]" * deep + "}", "[" * deep,
        '{"a":' * deep, '{"inputs": ' + "[" * deep, "{" * deep, good.replace(",", ",,", 1),
        good.replace("[", "[//", 1), good.replace("]", ",]", 1), "inputs=1&params=2", "<inputs/>",
    ]  # fmt: skip
    return _json("text", rng.choice(texts).encode())


def _bytes(rng: random.Random) -> Request:
    good = json.dumps({"inputs": [image(rng)]})
    codings = ["utf-16", "utf-32", "utf-16-le", "utf-8-sig", "cp500"]
    choices = [
        rng.randbytes(rng.randint(1, 300)), b"\xff\xfe", b"\x80" + good.encode(), good.encode(rng.choice(codings)),
        b'{"inputs": "\xc3\x28"}', b"\x1f\x8b" + rng.randbytes(50),
    ]  # fmt: skip
    return _json("bytes", rng.choice(choices))


def _damaged(rng: random.Random) -> Request:
    """A valid request with random bytes inserted, removed or doubled."""
    body = bytearray(json.dumps({"inputs": [image(rng)], "params": {"sigma": 0.3}}).encode())
    for _ in range(rng.randint(1, 4)):
        at = rng.randrange(len(body))
        change: Callable[[], object] = rng.choice(
            [
                lambda a=at: body.pop(a),
                lambda a=at: body.insert(a, rng.randrange(256)),
                lambda a=at: body.insert(a, body[a]),
            ]
        )
        change()
    return _json("damaged", bytes(body), refused=False)


def _media(rng: random.Random) -> Request:
    good = json.dumps({"inputs": [image(rng)]}).encode()
    types = [
        "", "text/csv", "application/vnd.apache.parquet", "text/plain", "image/png",
        "multipart/form-data; boundary=x", "json", "application/x-www-form-urlencoded", "application/octet-stream",
        "*/*", ";", "application/jsonl", "\xe9/\xff",
    ]  # fmt: skip
    bodies = [good, b"", b"a,b\n1,2\n", b"PAR1" + rng.randbytes(40) + b"PAR1", rng.randbytes(100)]
    name = rng.choice(types)
    headers = {"Content-Type": name} if name else {}
    return Request("media", rng.choice(bodies), headers=headers)


def _charset(rng: random.Random) -> Request:
    good = json.dumps({"inputs": [image(rng)]}).encode()
    more = rng.choice(
        ["charset=latin-1", "charset=utf-16", "charset", "charset=", "version=2", "profile=x; charset=utf-8"]
    )
    return Request("charset", good, headers={"Content-Type": f"application/json; {more}"})


def _place(rng: random.Random) -> Request:
    """A method or a path that the service does not have."""
    method, path = rng.choice(
        [
            ("GET", "/invocations"), ("PUT", "/invocations"), ("DELETE", "/invocations"), ("PATCH", "/invocations"),
            ("HEAD", "/invocations"), ("OPTIONS", "/invocations"), ("POST", "/ping"), ("POST", "/health"),
            ("DELETE", "/version"), ("POST", "/version"), ("POST", "/"), ("GET", "/"), ("GET", "/../../etc/passwd"),
            ("GET", "/%ff%fe"), ("GET", "/" + "a" * 5000), ("TRACE", "/invocations"), ("POST", "/invocations%00"),
            ("POST", "/INVOCATIONS"), ("BREW", "/invocations"), ("GET", "/?" + "x=" * 500),
        ]
    )  # fmt: skip
    return Request("place", json.dumps({"inputs": [image(rng)]}).encode(), method, path)


def _http(rng: random.Random) -> Request:
    """Malformed HTTP. The server's parser refuses most of it and accepts some, such as HTTP/9.9."""
    good = Request("", json.dumps({"inputs": [image(rng)]}).encode()).wire()
    wires = [
        good.replace(b"HTTP/1.1", b"HTTP/9.9"), good.replace(b"Content-Length: ", b"Content-Length: -"),
        good.replace(b"POST ", b"POST"), good.replace(b"Content-Length: ", b"Content-Length: x"),
        b"\x16\x03\x01" + rng.randbytes(60) + b"\r\n\r\n", rng.randbytes(80) + b"\r\n\r\n",
        good.replace(b"Host: localhost\r\n", b""), good.replace(b"Host", b"Ho st"),
        good.replace(b"Content-Length", b"Transfer-Encoding: x\r\nA"),
        good.replace(b"Content-Length: ", b"Transfer-Encoding: chunked\r\nX: ").replace(b"\r\n\r\n", b"\r\n\r\nzz\r\n"),
        *(good.replace(b"Content-Length: ", b"Content-Length: " + b"9" * digits) for digits in (1, 15, 30, 5000)),
        good[: rng.randrange(20, len(good))],
        b"A" * 100_000 + b"\r\n\r\n", good.replace(b"Host: localhost", b"Host: localhost\r\nX: " + b"y" * 600_000),
    ]  # fmt: skip
    return Request("not HTTP", wires[rng.randrange(len(wires))], method="raw", refused=False)
