"""This project's evaluation against published figures: FFDNet's own colour weights on CBSD68.

python -m benchmarks.published FOLDER     # the 68 photographs
python -m benchmarks.published --quick    # crops of the sample photographs
"""

import argparse
import tempfile
from collections.abc import Sequence
from pathlib import Path

import torch

from benchmarks.harness import Report, quick
from benchmarks.peers import Pixels, below
from benchmarks.small import small_photographs
from ftn_core.data.store import Store, StoreWriter
from ftn_core.degradations.noise import add_noise
from ftn_core.evaluation.pairs import Pairs
from ftn_core.evaluation.scoring import score
from ftn_core.released.ffdnet import published_ffdnet
from ftn_core.utils.errors import UserError
from ftn_core.utils.limits import cores

TEXT = """FFDNet with its published colour weights, given the true sigma, on the 68 photographs of CBSD68. Noise,
packing and metrics are the pipeline's own; only the network comes from elsewhere. The published figures are those of
FFDNet (arXiv 1710.04026, table 5). Sigma is on the scale to 255, and the noise is not clipped."""

PUBLISHED = {15: 33.87, 25: 31.21, 35: 29.58, 50: 27.96, 75: 26.24}
"""PSNR in dB by sigma of 255."""


def measured(images: Sequence[Pixels], level: int) -> float:
    """Mean PSNR in dB of FFDNet over photographs of ``3 x H x W``, given the true sigma of ``level`` of 255."""
    sigma = level / 255
    ffdnet = published_ffdnet()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with StoreWriter(folder / "clean", "uint8") as clean, StoreWriter(folder / "noisy", "float16") as noisy:
            for i, pixels in enumerate(images):
                clean.append(str(i), pixels)
                noisy.append(str(i), add_noise(pixels, sigma, seed=0, clip=False))
        pairs = Pairs(Store(folder / "clean"), {sigma: Store(folder / "noisy")}, torch.device("cpu"), keep=0)
        return score(ffdnet.fold(ffdnet.position(sigma)), pairs, sigma).psnr


def measure(images: Sequence[Pixels], levels: Sequence[int]) -> Report:
    torch.set_num_threads(cores())
    report = Report("published", "Published figures: FFDNet on CBSD68", TEXT)
    rows = []
    for level in levels:
        found = measured(images, level)
        rows.append(
            {
                "sigma of 255": level,
                "PSNR dB, published": f"{PUBLISHED[level]:.2f}",
                "measured": f"{found:.2f}",
                "difference": f"{found - PUBLISHED[level]:+.2f}",
            }
        )
    report.table(f"{len(images)} photographs", rows)
    return report


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.published", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path, nargs="?", help="of CBSD68, which may not be passed on")
    parser.add_argument("--quick", action="store_true", help="crops of the sample photographs, one level; not saved")
    folder = parser.parse_args().folder
    try:
        if quick():
            measure(small_photographs()[:2], [25])
        elif folder is None:
            raise UserError("name the folder of CBSD68, which may not be passed on with the project")
        else:
            measure(below(folder), list(PUBLISHED)).save()
    except UserError as error:
        parser.error(str(error))


if __name__ == "__main__":
    main()
