"""README's first picture: a photograph with a camera's noise, and restored by the released model at the level it finds.

python docs/images/photo.py docs/images/photo.jpg
"""

import sys

import numpy as np
from PIL import Image, ImageDraw, ImageFont
from torch import from_numpy

from ftn_core import load
from ftn_core.degradations.degradation import Degradation
from ftn_core.noise_level.estimate import estimate_sigma
from ftn_core.runtime.images import to_image
from ftn_core.runtime.psnr import psnr
from serving.demo import pictures

PHOTOGRAPH = "chelsea"  # CC0, Stefan van der Walt; held out
GRAIN = 10 / 255
CAMERA = Degradation.build([{"name": "sensor", "grain": "level"}, {"name": "jpeg", "quality": 90}])
TILE = (slice(30, 250), slice(110, 400))
ZOOM, GAP, CAPTION = 1.5, 8, 28


def main() -> None:
    """Write the picture."""
    samples = pictures.samples()
    path = next(photograph.path for name, photograph in samples.items() if name.startswith(PHOTOGRAPH))
    clean = pictures.decode_picture(path).pixels
    taken = np.ascontiguousarray(CAMERA(clean, GRAIN).transpose(1, 2, 0))
    sigma = estimate_sigma(from_numpy(taken).permute(2, 0, 1)[None] / 255)
    restored = load("photo")(taken, sigma=sigma)
    before, after = (psnr(to_image(x.transpose(2, 0, 1)), to_image(clean)) for x in (taken, restored))
    tiles = {
        f"with a camera's noise: {before:.1f} dB": taken,
        f"ftn restore, which found sigma {255 * sigma:.0f}/255: {after:.1f} dB": restored,
    }
    width, height = (round(ZOOM * (side.stop - side.start)) for side in reversed(TILE))
    sheet = Image.new("RGB", (len(tiles) * (width + GAP) - GAP, height + CAPTION), "white")
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(15)
    for i, (caption, pixels) in enumerate(tiles.items()):
        left = i * (width + GAP)
        sheet.paste(Image.fromarray(pixels[TILE]).resize((width, height), Image.Resampling.BICUBIC), (left, CAPTION))
        draw.text((left + width / 2, CAPTION / 2), caption, "black", font, anchor="mm")
    sheet.save(sys.argv[1], quality=90)


if __name__ == "__main__":
    main()
