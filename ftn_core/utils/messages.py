"""Lines for people. What a file's name or an archive brings into one cannot control the terminal, nor fill it."""

import sys
from typing import TextIO


def printable(text: str) -> str:
    """A text with escapes, such as ``\\x1b``, for control characters, line breaks and bytes that are no text."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)


def shortened(text: str, longest: int = 500) -> str:
    """A printable text, without its middle if it is longer: names in files have any length, a remedy comes last."""
    line = printable(text)
    return line if len(line) <= longest else f"{line[: longest // 2]} ... {line[-(longest // 2) :]}"


def say(line: str, file: TextIO | None = None) -> None:
    """Print one line at once, on ``sys.stdout`` unless another file is given; a long one without its middle."""
    print(shortened(line), file=file or sys.stdout, flush=True)


def complain(line: str) -> None:
    """Print one line on standard error."""
    say(line, sys.stderr)
