"""Pictures that are no photographs: shapes, lines, print and points of light, whose edges must not count as noise."""

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont


def drawn(random: Generator, side: int) -> NDArray[np.uint8]:
    """A random drawing, ``side x side x 3``; half of them with lines of print, a fifth a night sky."""
    if random.random() < 0.2:
        return _sky(random, side)
    image = Image.new("RGB", (side, side), _colour(random))
    draw = ImageDraw.Draw(image)
    for _ in range(int(random.integers(1, 30))):
        x, y, width, height = (int(v) for v in random.integers((0, 0, 1, 1), (side, side, side, side)))
        shape = random.choice(["ellipse", "rectangle", "line"])
        if shape == "line":
            draw.line((x, y, x + width, y + height), _colour(random), int(random.integers(1, 5)))
        else:
            getattr(draw, shape)((x, y, x + width, y + height), _colour(random))
    if random.random() < 0.5:
        size, colour = int(random.integers(8, 24)), _colour(random)
        for y in range(0, side, round(1.4 * size)):
            words = "".join(chr(code) for code in random.integers(32, 127, side // 4))
            draw.text((2, y), words, colour, ImageFont.load_default(size))
    return np.array(image)


def _sky(random: Generator, side: int) -> NDArray[np.uint8]:
    image = np.full((side, side, 3), random.integers(0, 30, 3), np.float64)
    count = int(random.integers(5, side * side // 60))
    light = (random.pareto(1.5, (count, 1)) * 60).clip(0, 230) * random.uniform(0.7, 1, (count, 3))
    image[random.integers(0, side, count), random.integers(0, side, count)] += light
    return image.clip(0, 255).astype(np.uint8)


def _colour(random: Generator) -> tuple[int, ...]:
    return tuple(int(value) for value in random.integers(0, 256, 3))
