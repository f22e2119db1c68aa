"""Pictures without noise, of kinds that a denoiser may take for noise: drawn here, the same on every machine."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter, ImageFont
from scipy.ndimage import gaussian_filter

Picture = NDArray[np.uint8]
"""``3 x H x W``."""
SIDE = 384
TEXT = "The quick brown fox jumps over the lazy dog. 0123456789 " * 8


def drawing() -> Picture:
    """Flat colours with sharp edges and hatching."""
    image = Image.new("RGB", (SIDE, SIDE), "#f4efe6")
    draw, random = ImageDraw.Draw(image), np.random.default_rng(0)
    for _ in range(40):
        left, top, width, height = (int(x) for x in random.integers((0, 0, 10, 10), (SIDE, SIDE, 120, 120)))
        colour = tuple(int(x) for x in random.integers(0, 256, 3))
        draw.ellipse((left, top, left + width, top + height), fill=colour, outline="black")
    for x in range(0, SIDE, 4):
        draw.line((x, 0, x + 60, SIDE // 3), fill="black")
    return _pixels(image)


def text() -> Picture:
    """Lines of small print."""
    image = Image.new("RGB", (SIDE, SIDE), "white")
    draw = ImageDraw.Draw(image)
    for line, size in enumerate(range(8, 22)):
        draw.text((6, 6 + 27 * line), TEXT, "black", ImageFont.load_default(size))
    return _pixels(image)


def starry_sky() -> Picture:
    """Stars of one to three pixels on a dark gradient."""
    random = np.random.default_rng(0)
    sky = np.linspace(4, 24, SIDE)[None, :, None] * np.array([0.7, 0.8, 1.2])[:, None, None] * np.ones((1, 1, SIDE))
    stars = np.zeros((SIDE, SIDE))
    stars[random.integers(0, SIDE, 900), random.integers(0, SIDE, 900)] = random.pareto(1.5, 900).clip(0, 6) * 160
    return (sky + gaussian_filter(stars, 0.5)).clip(0, 255).astype(np.uint8)


def sharpened(pixels: Picture) -> Picture:
    """As phones sharpen what they have denoised."""
    image = Image.fromarray(np.ascontiguousarray(pixels.transpose(1, 2, 0)))
    return _pixels(image.filter(ImageFilter.UnsharpMask(1.0, 80, 0)))


def _pixels(image: Image.Image) -> Picture:
    return np.ascontiguousarray(np.asarray(image.convert("RGB")).transpose(2, 0, 1))
