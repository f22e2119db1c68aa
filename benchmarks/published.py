"""This project's evaluation against published figures: FFDNet's own colour weights on CBSD68.

    python -m benchmarks.published FOLDER     # the 68 photographs

Photographs, noise, packing and metrics are the pipeline's own; only the network comes from elsewhere.
"""

import argparse
import sys
import tempfile
from pathlib import Path

import torch

from benchmarks.ffdnet import published_ffdnet
from ftn_core.data.store import Store, StoreWriter
from ftn_core.degradations.noise import add_noise
from ftn_core.evaluation.pairs import Pairs
from ftn_core.evaluation.scoring import score
from ftn_core.sources.decode import decode
from ftn_core.utils.cores import cores
from ftn_core.utils.errors import UserError

# FFDNet, arXiv 1710.04026, table 5: CBSD68, PSNR in dB by sigma of 255
PUBLISHED = {15: 33.87, 25: 31.21, 35: 29.58, 50: 27.96, 75: 26.24}


class _Told(torch.nn.Module):
    def __init__(self, sigma: float) -> None:
        super().__init__()
        self.network, self.sigma = published_ffdnet(), sigma

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.network(x, self.sigma)


def measured(photographs: Path, level: int) -> float:
    """PSNR in dB of FFDNet, told the true sigma of ``level`` of 255, over a folder of photographs.

    Raises:
        UserError: the folder holds none.
    """
    files = sorted(path for path in photographs.glob("*") if path.suffix in (".jpg", ".png"))
    if not files:
        raise UserError(f"{photographs} holds no photographs: name the folder of CBSD68")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with StoreWriter(folder / "clean", "uint8") as clean, StoreWriter(folder / "noisy", "float16") as noisy:
            for file in files:
                pixels = decode(file, min_side=64, max_pixels=10**8)
                clean.append(file.name, pixels)
                noisy.append(file.name, add_noise(pixels, level / 255, seed=0, clip=False))
        sigma = level / 255
        pairs = Pairs(Store(folder / "clean"), {sigma: Store(folder / "noisy")}, torch.device("cpu"), keep=0)
        return score(_Told(sigma), pairs, sigma).psnr


def main() -> None:
    """Print measured beside published."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.published", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    torch.set_num_threads(cores())
    try:
        print("| sigma of 255 | published | measured |\n|---|---|---|")
        for level, published in PUBLISHED.items():
            print(f"| {level} | {published:.2f} | {measured(folder, level):.2f} |", flush=True)
    except UserError as error:
        print(error, file=sys.stderr)
        sys.exit(2)


if __name__ == "__main__":
    main()
