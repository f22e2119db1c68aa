"""docs/api.md, from the docstrings of what ``ftn_core`` exports: ``python docs/api.py``."""

import inspect
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import ftn_core

PAGE = Path(__file__).with_suffix(".md")
ROOT = PAGE.parents[1]

HEAD = """# Python interface

What `import ftn_core` gives to programs. Images are RGB on the scale [0, 1], and `sigma` is the standard deviation of
the noise on that scale, unless it says otherwise. [The example](example.ipynb) shows them at work. This page is made by
`make docs` from the docstrings.
"""
ORDER = ["load", "Restorer", "estimate_sigma", "restore", "ContinuousDenoiser", "Degradation", "Quantity"]
"""What most programs need, first; the rest is for those who add to the project."""


def render() -> str:
    """The whole page: each name with its signature, its docstring and its methods."""
    names = [*ORDER, *(name for name in ftn_core.__all__ if name not in ORDER)]
    return "\n".join([HEAD, *(line for name in names for line in _entry(name, getattr(ftn_core, name)))])


def _entry(name: str, value: Any) -> Iterator[str]:  # noqa: ANN401 - a class or a function
    source = Path(inspect.getfile(inspect.unwrap(value))).relative_to(ROOT)
    yield f"## {name}\n"
    yield f"{_code(name, value)}\n"
    yield f"{_text(value)}\n\n[{source}](../{source})\n"
    if not inspect.isclass(value):
        return
    for key, member in vars(value).items():
        call = getattr(member, "__func__", getattr(member, "fget", getattr(member, "func", member)))
        if (key[0] != "_" or key == "__call__") and inspect.isfunction(call) and call.__doc__:
            is_property = not isinstance(member, classmethod) and not inspect.isfunction(member)
            yield f"### {name}.{key}\n"
            yield f"{_code(key, call, is_property)}\n"
            yield f"{_text(call)}\n"


def _code(name: str, value: Callable[..., Any], is_property: bool = False) -> str:
    """The signature as code, without `self`."""
    if inspect.isclass(value) and issubclass(value, Exception):
        return f"```python\nclass {name}(Exception)\n```"
    signature = inspect.signature(value)
    shown = [p for p in signature.parameters.values() if p.name not in ("self", "cls")]
    if inspect.isclass(value):
        signature = signature.replace(return_annotation=inspect.Signature.empty)
    words = str(signature.replace(parameters=shown)).replace("'", "")
    words = re.sub(r"\b(?:ftn_core|torch|collections|typing|numpy|pathlib)\.(?:\w+\.)*(?=\w)", "", words)
    words = re.sub(r"ndarray\[tuple\[Any, \.\.\.\], dtype\[~?\w+\]\]", "ndarray", words).replace("<factory>", "...")
    return f"```python\n{name}{words.removeprefix('()') if is_property else words}\n```"


def _text(value: Any) -> str:  # noqa: ANN401 - a class or a function
    """The docstring as Markdown: sections become bold words, their entries lists."""
    lines = []
    for line in inspect.cleandoc(value.__doc__).replace("``", "`").splitlines():
        if re.fullmatch(r"(Args|Returns|Raises):", line):
            lines.append(f"**{line[:-1]}**\n")
        elif entry := re.match(r"    ([\w.]+): (.*)", line):
            lines.append(f"- `{entry[1]}`: {entry[2]}")
        else:
            lines.append(f"  {line.strip()}" if line.startswith("     ") else line.strip())
    return "\n".join(lines)


if __name__ == "__main__":
    PAGE.write_text(render())
