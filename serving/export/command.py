"""``ftn export``: write a model as an ONNX file."""

import re
from pathlib import Path
from typing import Annotated

import typer

from ftn_core.utils.errors import UserError
from serving.files.level_argument import AUTO, LevelArgument


def export_command(
    out: Annotated[Path, typer.Argument(help="The file to write, such as model.onnx.", metavar="FILE")],
    model: Annotated[str | None, typer.Option(help="As for ftn restore.")] = None,
    method: Annotated[str | None, typer.Option(help="As for ftn restore.")] = None,
    size: Annotated[str | None, typer.Option(help="WIDTHxHEIGHT: the only size that the file takes.")] = None,
    level: Annotated[str | None, typer.Option(help="The only strength that the file has; else it is an input.")] = None,
) -> None:
    """Write a model as one ONNX file, which runs without PyTorch.

    Inputs: image, 1 x 3 x height x width, float32 from 0 to 1, and level,
    one float32 in the model's own quantity (for noise sigma, such as 0.2).
    Output: restored, as large as the image and not clipped.

    The file is compared with PyTorch before it gets its name. A file of
    that name is replaced.

    Exit codes: 0 done; 2 a mistake in the call, or a model that cannot be
    exported: nothing is written.
    """
    fixed_size = _parsed(size) if size is not None else None
    argument = LevelArgument.parse(level) if level is not None else None
    if argument and argument.number is None:
        raise UserError(f"--level {AUTO}: a file has no picture to find it in; give a number")
    if not out.absolute().parent.is_dir() or out.is_dir():
        raise UserError(f"{out} cannot be written: {'it is a folder' if out.is_dir() else 'its folder does not exist'}")
    # the exporter would name this package in words of its own
    import onnxscript  # noqa: F401

    from ftn_core.utils.messages import say
    from ftn_core.words.labels import label, phrase
    from serving.export.onnx_file import Size, write_onnx
    from serving.files.model import choose_denoiser

    source, denoiser = choose_denoiser(model, method)
    quantity = denoiser.task.quantity
    number = argument.level_of(quantity) if argument else None
    difference = write_onnx(out, source, denoiser, Size(*fixed_size) if fixed_size else None, number)
    first, last = (label(quantity, end) for end in denoiser.ends)
    say(f"model: {source}, {quantity.name} {first} to {last}")
    dial = "level is an input" if number is None else phrase(quantity, number)
    say(f"{out}: {dial}, images of {size or 'any size'}, {out.stat().st_size / 1e3:,.0f} kB")
    say(f"largest difference from PyTorch at {'three levels' if number is None else 'this level'}: {difference:.1e}")


def _parsed(size: str) -> tuple[int, int]:
    match = re.fullmatch(r"([1-9]\d{0,3})x([1-9]\d{0,3})", size, re.ASCII)
    if not match:
        raise UserError(f"--size {size}: WIDTHxHEIGHT in pixels is needed, such as 640x480")
    return int(match[1]), int(match[2])
