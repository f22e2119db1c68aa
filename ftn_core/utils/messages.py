"""Lines for people. What a file's name or an archive brings into one cannot control the terminal."""

import sys
from typing import TextIO


def printable(text: str) -> str:
    """A text with escapes, such as ``\\x1b``, for control characters, line breaks and bytes that are no text."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)


def say(line: str, file: TextIO | None = None) -> None:
    """Print one line at once, on ``sys.stdout`` unless another file is given."""
    print(printable(line), file=file or sys.stdout, flush=True)


def complain(line: str) -> None:
    """Print one line on standard error."""
    say(line, sys.stderr)
