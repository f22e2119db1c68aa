"""Random requests of many kinds that the service must refuse, and damaged ones that it may refuse."""

import io
import json
import random
import struct
import tempfile
import zlib
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import numpy as np
import tifffile
from pictures import KINDS, pixels
from PIL import Image
from wire import Request


def malformed(seed: int, count: int) -> Iterator[Request]:
    """Requests of each kind below in turn, with random details."""
    rng = random.Random(seed)
    makers = [_query, _parameters, _empty, _bytes, _cut, _damaged, _other, _huge, _form, _place, _http]
    for i in range(count):
        yield makers[i % len(makers)](rng)


@cache
def _good() -> list[bytes]:
    """A small picture of every kind that is read."""
    with tempfile.TemporaryDirectory() as name:
        found = []
        for suffix, channels, depth, _, write in KINDS.values():
            path = Path(name) / f"picture{suffix}"
            write(path, pixels(channels, depth, 12, 17))
            found.append(path.read_bytes())
    return found


def _pillow(image: Image.Image, format: str, **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, format, **options)
    return file.getvalue()


def _tiff(array: np.ndarray, **options: object) -> bytes:
    file = io.BytesIO()
    tifffile.imwrite(file, array, **options)
    return file.getvalue()


@cache
def _unsupported() -> list[bytes]:
    """Pictures of kinds that are not read."""
    small = Image.fromarray(pixels(3, np.uint8, 7, 9))
    return [
        _pillow(small.convert("CMYK"), "JPEG"), _pillow(small.convert("CMYK"), "TIFF"), _pillow(small, "GIF"),
        _pillow(small, "PPM"), _pillow(small, "ICO"), _pillow(small, "PDF"),
        _pillow(small.convert("F"), "TIFF"), _pillow(small.convert("LAB"), "TIFF"), _pillow(small.convert("I"), "TIFF"),
        *(
            _pillow(small, form, save_all=True, append_images=[small.rotate(180)])
            for form in ("PNG", "WEBP", "TIFF")
        ),
        _tiff(np.zeros((7, 9, 5), np.uint16)), _tiff(np.zeros((3, 7, 9), np.uint16), photometric="minisblack"),
        _tiff(np.full((7, 9, 3), np.nan, np.float32), photometric="rgb"), _tiff(np.zeros((7, 9), np.int16)),
        _tiff(np.zeros((7, 9, 3), np.float64), photometric="rgb"), b"%PDF-1.4\n", b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        json.dumps({"inputs": [[[[0.5, 0.5, 0.5]]]]}).encode(),
    ]  # fmt: skip


def _query(rng: random.Random) -> Request:
    """A level that is none."""
    values = ["abc", "-1", "2.5", "51", "nan", "inf", "1e999", "9" * 5000, "", "%20", "0x1", "1_0", "1/0", "/", "1/2/3",
              "%00", "%ff", "%1b%5b31m", "../../etc/passwd", "0.1;0.2", "[0.1]", "%F0%9F%98%80", "None", "AUTO",
              "a" * 5000, "0.1,0.2", "{}", "1e-", "%D9%A1"]  # fmt: skip
    return Request("level", rng.choice(_good()), path=f"/restore?sigma={rng.choice(values)}")


def _parameters(rng: random.Random) -> Request:
    queries = ["sgima=0.2", "Sigma=0.2", "level=0.2", "sigma=0.1&sigma=0.2", "sigma=0.2&model=/etc/passwd", "model=x",
               "file=../x", "=", "=1", "%00=1", "a" * 5000 + "=1", "sigma=0.2&&x=", "quality=20"]  # fmt: skip
    return Request("parameters", rng.choice(_good()), path=f"/restore?{rng.choice(queries)}")


def _empty(rng: random.Random) -> Request:
    return Request("empty", rng.choice([b"", b" ", b"\0", b"\n" * 100, b"\xff\xd8", b"II*\0", b"MM\0*", b"RIFF"]))


def _bytes(rng: random.Random) -> Request:
    """Random bytes, after a picture's signature or not."""
    signatures = [b"", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff\xe0", b"II*\0\x08\0\0\0", b"MM\0*\0\0\0\x08", b"II+\0"]
    signatures += [b"RIFF\x40\0\0\0WEBPVP8L", b"RIFF\x40\0\0\0WEBPVP8 ", b"RIFF\x40\0\0\0WEBPVP8X", b"GIF89a"]
    return Request("bytes", rng.choice(signatures) + rng.randbytes(rng.randint(1, 300)))


def _cut(rng: random.Random) -> Request:
    """A picture that ends early. Some formats' last bytes are not needed."""
    good = rng.choice(_good())
    return Request("cut", good[: rng.randrange(1, len(good))], refused=False)


def _damaged(rng: random.Random) -> Request:
    """A picture with random bytes changed, inserted, removed or doubled. Most of it lies in the metadata."""
    body = bytearray(rng.choice(_good()))
    end = len(body) if rng.random() < 0.5 else 200  # headers are short, and matter most
    for _ in range(rng.randint(1, 8)):
        at = rng.randrange(min(end, len(body)))
        byte = rng.choice([0, 1, 127, 128, 255, rng.randrange(256)])
        word = rng.choice([b"\xff" * 4, b"\0" * 4, b"\x7f\xff\xff\xff"])
        change: Callable[[], object] = rng.choice(
            [
                lambda a=at: body.pop(a),
                lambda a=at, b=byte: body.insert(a, b),
                lambda a=at: body.insert(a, body[a]),
                lambda a=at, b=byte: body.__setitem__(a, b),
                lambda a=at, w=word: body.__setitem__(slice(a, a + 4), w),
            ]
        )
        change()
    return Request("damaged", bytes(body), refused=False)


def _other(rng: random.Random) -> Request:
    return Request("unsupported", rng.choice(_unsupported()))


@cache
def _bombs() -> list[bytes]:
    """Small files of, or that say they are, large pictures; and one with a large text."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    def large(width: int, height: int, depth: int, colours: int) -> bytes:
        header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colours, 0, 0, 0))
        pixels = chunk(b"IDAT", zlib.compress(b"\0" * 10_000))
        return b"\x89PNG\r\n\x1a\n" + header + pixels + chunk(b"IEND", b"")

    png, text = _good()[0], chunk(b"zTXt", b"a\0\0" + zlib.compress(b"x" * 2**24))
    sizes = [(60_000, 60_000), (2**31 - 1, 2**31 - 1), (1, 2**31 - 1), (20_000, 300)]
    return [
        *(large(*size, *kind) for size in sizes for kind in ((8, 2), (16, 6), (8, 0), (16, 0))),
        png[:33] + text + png[33:],
        _pillow(Image.new("L", (3000, 2500)), "JPEG"), _pillow(Image.new("RGB", (3000, 2500)), "WEBP"),
        _pillow(Image.new("1", (3000, 2500)), "TIFF", compression="group4"),
    ]  # fmt: skip


def _huge(rng: random.Random) -> Request:
    return Request("huge", rng.choice(_bombs()))


def _form(rng: random.Random) -> Request:
    """A form, as a browser sends it."""
    names = ["../../x.png", "/etc/passwd", "a" * 300, 'x"; filename="y', "\0"]
    head = f'--b\r\nContent-Disposition: form-data; name="file"; filename="{rng.choice(names)}"\r\n\r\n'
    body = head.encode() + rng.choice(_good()) + b"\r\n--b--\r\n"
    return Request("form", body, headers={"Content-Type": "multipart/form-data; boundary=b"})


def _place(rng: random.Random) -> Request:
    """A method or a path that the service does not have."""
    method, path = rng.choice(
        [
            ("GET", "/restore"), ("PUT", "/restore"), ("DELETE", "/restore"), ("PATCH", "/restore"),
            ("HEAD", "/restore"), ("OPTIONS", "/restore"), ("POST", "/health"), ("DELETE", "/health"),
            ("POST", "/"), ("GET", "/"), ("GET", "/../../etc/passwd"), ("GET", "/docs"), ("GET", "/openapi.json"),
            ("POST", "/restore/../../etc/passwd"), ("POST", "/restore/photo.png"), ("GET", "/%ff%fe"),
            ("GET", "/" + "a" * 5000), ("TRACE", "/restore"), ("POST", "/restore%00"), ("POST", "/RESTORE"),
            ("BREW", "/restore"), ("GET", "/?" + "x=" * 500), ("POST", "//restore"), ("POST", "/invocations"),
        ]
    )  # fmt: skip
    return Request("place", rng.choice(_good()), method, path)


def _http(rng: random.Random) -> Request:
    """Malformed HTTP. The server's parser refuses most of it and accepts some, such as HTTP/9.9."""
    good = Request("", _good()[0]).wire()
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
