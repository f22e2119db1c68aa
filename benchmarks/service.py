"""The service under load: latency and throughput beside the bare network, and what picture files cost.

python -m benchmarks.service [--quick]
"""

import contextlib
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from benchmarks.harness import Report, Timing, compare, quick
from benchmarks.inference import DEFAULT, denoiser_of, device
from ftn_core.degradations.noise import add_noise
from ftn_core.runtime.images import restore
from ftn_core.sources.decode import decode
from ftn_core.sources.sample import sample_photographs
from serving.files.pictures import read_picture, write_picture
from serving.http.file_restorer import FileRestorer

# the tests' own server and client
sys.path.insert(0, str(Path(__file__).parent.parent / "tests" / "support"))
from model_service import ModelService
from wire import Client, Request

TEXT = """The default network (unshuffle_net, 32 channels, 6 blocks; fresh weights, as time does not depend on them),
served by `ftn serve` on the machine that also runs the clients. Each client keeps its connection and sends its next
request when the last one is answered. The requests are PNG files of 8 bits, noisy crops of a sample photograph, and
each moves the dial. Every round times the bare network, called in this process on all cores, and then 1, 4 and 16
clients; the ratio is the time for one image at the full rate, beside the bare network's. Latency is over all requests
of all rounds. The parts are measured in one process, without HTTP."""

CLIENTS = (1, 4, 16)
SIGMAS = (0.2, 0.27, 0.35, 0.5)


def noisy(side: int) -> np.ndarray:
    """``side x side x 3`` of uint8: a real photograph with noise of sigma 0.2, as a file of 8 bits has it."""
    pixels = decode(next(sample_photographs()).path, min_side=side, max_pixels=10**8)[:, :side, :side]
    return (255 * add_noise(pixels, 0.2, 0, True)).round().astype(np.uint8).transpose(1, 2, 0)


def to_tensor(pixels: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(pixels).permute(2, 0, 1)[None].float() / 255


@contextlib.contextmanager
def serving(folder: Path) -> Iterator[ModelService]:
    denoiser_of(*DEFAULT).save(folder / "denoiser.safetensors")
    service = ModelService(folder, folder / "denoiser.safetensors")
    try:
        service.wait()
        yield service
    finally:
        service.stop()


def load(port: int, clients: int, wires: list[bytes], seconds: float) -> tuple[float, list[float]]:
    """Seconds for one request at the full rate, and each request's latency in seconds."""
    latencies: list[float] = []
    start = threading.Barrier(clients + 1)

    def run(first: int) -> None:
        client, i = Client(port), first
        start.wait()
        deadline = time.perf_counter() + seconds
        while i == first or time.perf_counter() < deadline:
            begin = time.perf_counter()
            status, _ = client.send(wires[i % len(wires)])
            assert status == 200
            latencies.append(time.perf_counter() - begin)
            i += 1
        client.close()

    threads = [threading.Thread(target=run, args=(i,)) for i in range(clients)]
    for thread in threads:
        thread.start()
    start.wait()
    begin = time.perf_counter()
    for thread in threads:
        thread.join()
    return (time.perf_counter() - begin) / len(latencies), latencies


def alone(network: torch.nn.Module, images: torch.Tensor, seconds: float) -> float:
    """Seconds for one call of the bare network, measured over so many seconds."""
    restore(network, images)
    begin, calls = time.perf_counter(), 0
    while not calls or time.perf_counter() - begin < seconds:
        restore(network, images)
        calls += 1
    return (time.perf_counter() - begin) / calls


def under_load(report: Report, service: ModelService, folder: Path, side: int, rounds: int, seconds: float) -> None:
    pixels = noisy(side)
    Image.fromarray(pixels).save(folder / "noisy.png")
    file = (folder / "noisy.png").read_bytes()
    wires = [Request("", file, path=f"/restore?sigma={sigma}").wire() for sigma in SIGMAS]
    network, tensor = denoiser_of(*DEFAULT).fold(0.5), to_tensor(pixels)
    load(service.port, 4, wires, 0)  # starts threads
    rates: dict[str, list[float]] = {name: [] for name in ("bare", *map(str, CLIENTS))}
    latencies: dict[int, list[float]] = {clients: [] for clients in CLIENTS}
    for _ in range(rounds):
        rates["bare"].append(alone(network, tensor, seconds))
        for clients in CLIENTS:
            each, found = load(service.port, clients, wires, seconds)
            rates[str(clients)].append(each)
            latencies[clients] += found
    bare = Timing(rates["bare"])
    rows: list[dict[str, object]] = [
        {
            "": "the bare network", "images/s": 1 / bare.median, "spread": bare.spread, "time for one, bare = 1": 1.0,
            "latency, median ms": "–", "p99 ms": "–", "requests": "–",
        }
    ]  # fmt: skip
    for clients in CLIENTS:
        timing, found = Timing(rates[str(clients)]), latencies[clients]
        rows.append(
            {
                "": f"{clients} client{'s' if clients > 1 else ''}",
                "images/s": 1 / timing.median,
                "spread": timing.spread,
                "time for one, bare = 1": timing.ratio(bare),
                "latency, median ms": 1000 * statistics.median(found),
                "p99 ms": 1000 * float(np.quantile(found, 0.99)),
                "requests": len(found),
            }
        )
    report.table(f"{side} x {side} pixels, {len(wires[0]) / 2**20:.2f} MB a request", rows)


def parts(report: Report, folder: Path, side: int) -> None:
    pixels = noisy(side)
    image, denoiser, target = Image.fromarray(pixels), denoiser_of(*DEFAULT), folder / "restored"
    network, tensor = denoiser.fold(0.5), to_tensor(pixels)
    restorer = FileRestorer(denoiser, side**2)
    image.save(folder / "noisy.png")
    image.save(folder / "noisy.jpg", quality=95)
    png, jpeg = (read_picture(folder / f"noisy.{suffix}") for suffix in ("png", "jpg"))
    bare = "the bare network"
    timings = compare(
        {
            bare: lambda: restore(network, tensor),
            "reading PNG": lambda: read_picture(folder / "noisy.png"),
            "writing PNG": lambda: write_picture(png, png.pixels, target),
            "reading JPEG": lambda: read_picture(folder / "noisy.jpg"),
            "writing JPEG": lambda: write_picture(jpeg, jpeg.pixels, target),
            "all of a request, PNG, sigma 0.3": lambda: restorer(folder / "noisy.png", target, 0.3),
            "all of a request, JPEG, sigma 0.3": lambda: restorer(folder / "noisy.jpg", target, 0.3),
            "all of a request, PNG, sigma found": lambda: restorer(folder / "noisy.png", target, None),
        },
        rounds=5,
        warmup=1,
    )
    report.timings(f"The parts, {side} x {side} pixels", timings, bare)


def main() -> None:
    device()
    report = Report("service", "The service under load", TEXT)
    rounds, seconds = (1, 0.1) if quick() else (5, 4.0)
    with tempfile.TemporaryDirectory() as name, serving(Path(name)) as service:
        for side in (32,) if quick() else (128, 512):
            under_load(report, service, Path(name), side, rounds, seconds)
        parts(report, Path(name), 32 if quick() else 512)
    report.save()


if __name__ == "__main__":
    main()
