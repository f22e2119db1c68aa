"""``ftn restore``: restore files, folders and patterns of pictures."""

import os
from pathlib import Path
from typing import Annotated

import typer

from ftn_core.utils.errors import UserError
from serving.files.level import AUTO, Written


def restore(
    paths: Annotated[list[str], typer.Argument(help="Files, folders, and patterns such as 'scans/**/*.tif'.")],
    level: Annotated[str | None, typer.Option(help=f"Strength in the model's own quantity, or {AUTO}.")] = None,
    alpha: Annotated[float | None, typer.Option(help="Strength: 0 is the model's first level, 1 its last.")] = None,
    strip: Annotated[bool, typer.Option("--strip", help="Instead: the picture and five stops of the dial.")] = False,
    model: Annotated[str | None, typer.Option(help="FILE, or models:/NAME@ALIAS; else the champion.")] = None,
    method: Annotated[str | None, typer.Option(help="A model of this project: models/denoisers/METHOD.")] = None,
    out: Annotated[Path | None, typer.Option(help="Folder for the results; else beside their sources.")] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Make results anew that are there.")] = False,
) -> None:
    """Restore pictures: PNG, JPEG, TIFF and WebP, of 8 or 16 bits, of any size.

    photo.png becomes photo.restored.png beside it or, with --out,
    photo.png in that folder, which gets the tree of a folder that was
    given. Sources are never written to. Results that are there are left
    alone, whatever made them, so an interrupted run goes on where it was;
    --overwrite makes them anew.

    --level is the noise's sigma (0.2 or 51/255), a JPEG quality, a scale,
    or from 0 to 1 between two objectives: what the model is for. Where that
    is noise alone, auto finds sigma in each picture; this is the default.

    Depth, alpha channel, colour profile, EXIF and resolution are kept.
    Pixels are not turned: EXIF still says how.

    Exit codes: 0 all restored or already there; 1 some pictures failed,
    named at the end, and the rest is done; 2 a mistake in the call, or
    nowhere to write; 130 interrupted.
    """
    if sum((level is not None, alpha is not None, strip)) > 1:
        raise UserError("--level, --alpha and --strip are three ways to set the dial: give one of them")
    written = None if level is None else Written.parse(level)
    os.environ.setdefault("GOMP_SPINCOUNT", "1000")  # reading and writing need the cores, too; before torch comes
    from serving.files.restore import Restoration

    code = Restoration(
        paths, level=written, alpha=alpha, strip=strip, model=model, method=method, out=out, overwrite=overwrite
    ).run()
    raise typer.Exit(code)
