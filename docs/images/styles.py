"""Draws the pictures in `styles/` from random numbers: `python docs/images/styles.py` writes them again.

Brush strokes along a swirling field, and a mosaic of coloured glass. The project made them, so it may keep them.
"""

from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw
from scipy.ndimage import gaussian_filter
from scipy.spatial import cKDTree

SIDE = 384
STYLES = Path(__file__).parents[2] / "styles"


def smooth(rng: np.random.Generator, scale: float, side: int = SIDE) -> np.ndarray:
    """Smooth random values of unit variance, ``side x side``."""
    field = gaussian_filter(rng.normal(size=(side, side)), scale, mode="wrap")
    return field / field.std()


def palette(colours: str) -> np.ndarray:
    """Hexadecimal colours, ``n x 3``."""
    return np.array([[int(c[i : i + 2], 16) for i in (0, 2, 4)] for c in colours.split()], float)


def strokes(rng: np.random.Generator) -> Image.Image:
    """Short thick strokes of paint that follow a swirling field, blues and yellows, each with bristles."""
    height = smooth(rng, 38)
    dy, dx = np.gradient(height)
    angle = np.arctan2(dy, dx) + np.pi / 2  # along the lines of equal height
    tone = smooth(rng, 30)
    colours = palette("0b1f4d 123a7a 1c5fa8 3f8fc4 8fc3cf e8e2b0 f4c542 e89a1c")
    scale = 2
    image = Image.new("RGB", (SIDE * scale, SIDE * scale), (16, 36, 84))
    draw = ImageDraw.Draw(image)
    for i in range(4200):
        x, y = rng.uniform(0, SIDE, 2)
        row, column = int(y), int(x)
        shade_index = np.clip(3.2 + 1.9 * tone[row, column] + rng.normal(0, 0.7), 0, len(colours) - 1)
        colour = colours[round(shade_index)] + rng.normal(0, 13, 3)
        width, length = (18, 44) if i < 1500 else (11, 30)
        points = [(x, y)]
        for _ in range(int(length / 2)):
            a = angle[int(y) % SIDE, int(x) % SIDE]
            x, y = x + 2 * np.cos(a), y + 2 * np.sin(a)
            points.append((x, y))
        points = np.array(points) * scale
        for shift in np.linspace(-width / 2, width / 2, 6):  # bristles, each of a shade of its own
            shade = tuple(int(v) for v in np.clip(colour + rng.normal(0, 9), 0, 255))
            moved = [tuple(p) for p in points + shift * 0.9]
            draw.line(moved, fill=shade, width=max(2, int(width * 0.4)), joint="curve")
    return image.resize((SIDE, SIDE), Image.Resampling.LANCZOS)


def mosaic(rng: np.random.Generator) -> Image.Image:
    """Cells of coloured glass with dark lead between them, lit unevenly."""
    seeds = rng.uniform(-20, SIDE + 20, (230, 2))
    y, x = np.mgrid[:SIDE, :SIDE].reshape(2, -1)
    distance, nearest = cKDTree(seeds).query(np.stack([y, x], 1), k=2)
    edge = (distance[:, 1] - distance[:, 0]).reshape(SIDE, SIDE)
    colours = palette("c8102e e4572e f3a712 f7e7ce 2e8b57 0f6b5c 7b2d8b d94f8c f2c14e 8c1c13")
    tone = smooth(rng, 45)[np.clip(seeds[:, 0], 0, SIDE - 1).astype(int), np.clip(seeds[:, 1], 0, SIDE - 1).astype(int)]
    chosen = (np.argsort(np.argsort(tone + rng.normal(0, 0.7, len(seeds)))) * len(colours)) // len(seeds)
    cell = colours[chosen] + rng.normal(0, 14, (len(seeds), 3))
    pixels = cell[nearest[:, 0]].reshape(SIDE, SIDE, 3)
    glass = 1 + 0.13 * smooth(rng, 5) + 0.05 * smooth(rng, 1.2)
    bevel = np.clip(edge / 9, 0.55, 1.12)
    pixels = pixels * (glass * bevel)[..., None]
    lead = np.clip((edge - 2.4) / 1.8, 0, 1)[..., None]
    pixels = lead * pixels + (1 - lead) * np.array([24, 20, 26])
    return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))


if __name__ == "__main__":
    for number, draw in enumerate((strokes, mosaic)):
        draw(np.random.default_rng(number)).save(STYLES / f"{draw.__name__}.jpg", quality=82)
