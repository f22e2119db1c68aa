"""The README's picture: one noisy photograph along the dial.

python docs/images/dial.py [MODEL]     # a file of models/denoisers, or models:/NAME@ALIAS
"""

import sys
from pathlib import Path

import torch
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from ftn_core.images import restore
from ftn_core.metrics import psnr
from serving.demo import pictures
from serving.demo.answer import to_pixels
from serving.sources import load_denoiser

MODEL = "models/denoisers/ftn.safetensors"
PHOTOGRAPH = "chelsea (held out)"  # CC0, Stefan van der Walt
NOISE = 0.4
DIAL = (0.2, 0.3, 0.4, 0.5, 0.6)
TILE = (slice(None), slice(None), slice(30, 250), slice(110, 330))
CAPTION, GAP = 26, 6
OUT = Path(__file__).with_suffix(".jpg")


def main() -> None:
    """Write ``dial.jpg`` beside this file."""
    torch.set_num_threads(2)
    denoiser = load_denoiser(sys.argv[1] if len(sys.argv) > 1 else MODEL)
    picture = pictures.read(pictures.samples()[PHOTOGRAPH].path)
    scene = pictures.scene(picture, pictures.whole(picture), NOISE)
    assert scene.clean is not None
    tiles: list[tuple[str, Tensor]] = [(f"noise {NOISE:g}", scene.noisy)]
    tiles += [(f"dial at {sigma:g}", restore(denoiser.fold(denoiser.position(sigma)), scene.noisy)) for sigma in DIAL]
    side = TILE[-1].stop - TILE[-1].start
    sheet = Image.new("RGB", (len(tiles) * (side + GAP) - GAP, side + CAPTION), "white")
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(15)
    for i, (name, image) in enumerate(tiles):
        left = i * (side + GAP)
        sheet.paste(Image.fromarray(to_pixels(image[TILE])), (left, CAPTION))
        caption = f"{name}: {psnr(image, scene.clean):.2f} dB"
        draw.text((left + side / 2, CAPTION / 2), caption, "black", font, anchor="mm")
    sheet.save(OUT, quality=88)
    print(f"{OUT.name}: {sheet.width} x {sheet.height}, {OUT.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
