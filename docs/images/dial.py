"""Pictures of the README and the docs: one degraded photograph along the dial, a row for each model.

python docs/images/dial.py OUT.jpg [MODEL ...] [--at LEVEL] [--levels LEVEL ...]    # files, or models:/NAME@ALIAS
"""

import argparse
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from ftn_core.degradations.degradation import Degradation
from ftn_core.runtime.images import restore
from ftn_core.runtime.psnr import psnr
from ftn_core.words.labels import label
from serving.demo import pictures
from serving.demo.answer import to_uint8
from serving.load import load_denoiser

MODEL = "models/denoisers/ftn.safetensors"
PHOTOGRAPH = "chelsea (held out)"  # CC0, Stefan van der Walt
POSITIONS = 5
TILE = (slice(None), slice(None), slice(30, 250), slice(110, 330))
CAPTION, GAP = 26, 6

Row = list[tuple[str, Tensor]]


def row(source: str, at: float | None, levels: list[float] | None) -> Row:
    """The photograph degraded at a level, and restored with the dial at levels.

    By default these go from the weakest trained level to the strongest, and the photograph is degraded at the middle.
    """
    denoiser = load_denoiser(source)
    quantity, degrade = denoiser.task.quantity, Degradation.of(denoiser.task.degradation)
    levels = levels or np.linspace(denoiser.trained[0], denoiser.trained[-1], POSITIONS).round(4).tolist()
    at = levels[len(levels) // 2] if at is None else at
    picture = pictures.decode_picture(pictures.samples()[PHOTOGRAPH].path)
    scene = pictures.scene(picture, pictures.whole(picture), degrade, round(at) if quantity.whole else at)
    tiles: Row = [("photograph" if not degrade.steps else "degraded", scene.degraded)]
    for level in levels:
        restored = restore(denoiser.fold(denoiser.position(level)), scene.degraded)
        # the font has no multiplication sign
        tiles.append((f"{Path(source).stem} at {label(quantity, level)}".replace("×", "x"), restored))
    if scene.clean is None:
        return tiles
    return [(f"{name}: {psnr(image, scene.clean):.2f} dB", image) for name, image in tiles]


def main() -> None:
    """Write the picture."""
    torch.set_num_threads(2)
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out")
    parser.add_argument("models", nargs="*", default=[MODEL])
    parser.add_argument("--at", type=float)
    parser.add_argument("--levels", type=float, nargs="+")
    given = parser.parse_args()
    rows = [row(source, given.at, given.levels) for source in given.models]
    side = TILE[-1].stop - TILE[-1].start
    sheet = Image.new("RGB", (len(rows[0]) * (side + GAP) - GAP, len(rows) * (side + CAPTION)), "white")
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(13)
    for i, tiles in enumerate(rows):
        for j, (caption, image) in enumerate(tiles):
            left, top = j * (side + GAP), i * (side + CAPTION)
            sheet.paste(Image.fromarray(to_uint8(image[TILE])), (left, top + CAPTION))
            draw.text((left + side / 2, top + CAPTION / 2), caption, "black", font, anchor="mm")
    sheet.save(given.out, quality=88)
    print(f"{given.out}: {sheet.width} x {sheet.height}, {Path(given.out).stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
