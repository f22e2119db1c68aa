"""The slider page: what the server's answer to a move of the dial consists of, and how pictures reach the browser.

python -m benchmarks.demo [--quick]
"""

import io
import itertools
import math
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import numpy as np
import torch
from PIL import Image
from torch import Tensor

from benchmarks.harness import Report, Timing, compare
from benchmarks.small import untrained_model
from ftn_core.data.task import DENOISING
from ftn_core.degradations.degradation import Degradation
from ftn_core.denoiser.denoiser import ContinuousDenoiser
from ftn_core.runtime.images import restore
from ftn_core.runtime.psnr import psnr
from serving.demo import pictures
from serving.demo.answer import Answers, to_uint8, to_url
from serving.demo.open_pictures import OpenPictures
from serving.demo.setting import Setting

PHOTOGRAPH = "astronaut (train)"
SIGMA = 0.35
THREADS = 2
ALONE = "the network alone"
SERVED = "through the running server"

TEXT = """The default network (unshuffle_net, 32 channels, 6 blocks) on a photograph of 512 x 512 pixels with noise of
0.35, float32, two threads. The network's weights are fresh, which changes no time. The answer is what the page's
handler does for a move of the dial: fold, restore, PSNR, encode. The running server is a process of its own and is
asked as the browser asks, by one request for each move. The other tables show why the picture is sent as lossless
WebP at its fastest: artefacts of lossy compression look like those of denoisers. Two pictures are encoded there: the
photograph after a slight blur, because restored photographs are smooth, and the noisy one."""


@contextmanager
def served(model: Path) -> Iterator[Callable[[float], object]]:
    """The page in a process of its own, and what asks it as the browser does when the dial is moved to a level."""
    command = [sys.executable, "-m", "serving.command", "demo", "--no-browser", "--port", "0", "--model", str(model)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout
            line = next(line for line in process.stdout if "The page is at " in line)
            address = line.split("The page is at ")[1].split(";")[0]
            query: dict[str, str | float] = {"picture": PHOTOGRAPH, "model": str(model), "strength": SIGMA, "scale": 1}
            query |= {"left": 0, "top": 0, "width": 512, "height": 512}
            with httpx.Client(base_url=address, timeout=60, trust_env=False) as client:
                yield lambda level: client.get("/view", params=query | {"level": level}).raise_for_status().json()
        finally:
            process.terminate()


def encodings() -> dict[str, Callable[[Image.Image], bytes]]:
    def by(kind: str, **options: object) -> Callable[[Image.Image], bytes]:
        def encode(image: Image.Image) -> bytes:
            file = io.BytesIO()
            image.save(file, kind, **options)
            return file.getvalue()

        return encode

    return {
        "WebP, lossless, fastest": by("webp", lossless=True, quality=0, method=0),
        "PNG, level 1": by("png", compress_level=1),
        "PNG, level 6": by("png", compress_level=6),
        "JPEG, quality 95, 4:4:4": by("jpeg", quality=95, subsampling=0),
        "WebP, quality 80": by("webp"),
    }


def loss(encoded: bytes, image: Image.Image) -> float | str:
    error = np.mean((np.asarray(Image.open(io.BytesIO(encoded)).convert("RGB")).astype(float) - np.asarray(image)) ** 2)
    return 10 * math.log10(255**2 / error) if error else "nothing lost"


def encoding(report: Report, kind: str, image: Image.Image) -> None:
    ways = encodings()
    timings = compare({name: lambda way=way: way(image) for name, way in ways.items()}, rounds=31)  # type: ignore[misc]
    rows = [
        {
            "encoding": name,
            "median ms": 1000 * timings[name].median,
            "spread": timings[name].spread,
            "kB": len(way(image)) / 1000,
            "PSNR dB": loss(way(image), image),
        }
        for name, way in ways.items()
    ]
    report.table(f"Encoding the {kind} photograph", rows)


def blurred(image: Tensor) -> Tensor:
    return torch.nn.functional.avg_pool2d(image, 3, 1, 1, count_include_pad=False)


def main() -> None:
    torch.set_num_threads(THREADS)
    report = Report("demo", "The slider page", TEXT)
    picture = pictures.decode_picture(pictures.samples()[PHOTOGRAPH].path)
    with untrained_model() as model:
        answers, network = Answers(OpenPictures(Path())), ContinuousDenoiser.load(model).fold(0.5)
        scene = pictures.scene(picture, pictures.whole(picture), Degradation.of(DENOISING.degradation), SIGMA)
        dial, levels = answers.denoisers(str(model)), itertools.cycle([0.25, 0.4])
        restored = dial.restore(scene.degraded, 0.3)

        part = pictures.whole(picture)

        def setting() -> Setting:
            return Setting(PHOTOGRAPH, "", SIGMA, (str(model),), next(levels))

        with served(model) as ask:
            variants: dict[str, Callable[[], object]] = {
                ALONE: lambda: restore(network, scene.degraded),
                "fold and network": lambda: dial.restore(scene.degraded, next(levels)),
                "PSNR": lambda: psnr(restored, scene.clean) if scene.clean is not None else None,
                "encoding": lambda: to_url(restored),
                "the answer": lambda: answers(setting(), part, 1, {}, with_input=False),
                SERVED: lambda: ask(next(levels)),
            }
            timings: dict[str, Timing] = compare(variants, rounds=31)
    report.timings("A move of the dial, 512 x 512", timings, ALONE)
    print(f"median answer {1000 * timings['the answer'].median:.0f} ms, served {1000 * timings[SERVED].median:.0f} ms")
    for kind, image in (("restored", blurred(picture_of(picture))), ("noisy", scene.degraded)):
        encoding(report, kind, Image.fromarray(to_uint8(image)))
    report.save()


def picture_of(picture: pictures.OpenedPicture) -> Tensor:
    return pictures.scene(picture, pictures.whole(picture)).degraded


if __name__ == "__main__":
    main()
