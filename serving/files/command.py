"""``ftn restore``: restore files, folders and patterns of pictures."""

import os
from pathlib import Path
from typing import Annotated

import typer

from ftn_core.utils.errors import UserError
from serving.files.level_argument import AUTO, LevelArgument


def restore_command(
    paths: Annotated[list[str], typer.Argument(help="Files, folders, and patterns such as 'scans/**/*.tif'.")],
    level: Annotated[str | None, typer.Option(help=f"Strength in the model's own quantity, or {AUTO}.")] = None,
    alpha: Annotated[float | None, typer.Option(help="Strength: 0 is the beginning of the dial, 1 its end.")] = None,
    contact_sheet: Annotated[
        bool, typer.Option("--contact-sheet", help="Instead: the picture beside five stops of the dial.")
    ] = False,
    model: Annotated[str | None, typer.Option(help="photo, ffdnet, champion, models:/NAME@ALIAS or a file.")] = None,
    method: Annotated[str | None, typer.Option(help="A model of this project: models/denoisers/METHOD.")] = None,
    out: Annotated[Path | None, typer.Option(help="Folder for the results; else beside their sources.")] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace results that exist.")] = False,
) -> None:
    """Restore pictures: PNG, JPEG, TIFF, WebP and BMP, of 8 or 16 bits.

    photo.png becomes photo.restored.png beside it. With --out it becomes
    photo.png in that folder; a folder's tree is repeated there. Sources
    are never written to. Results that exist are skipped, whatever made
    them, so an interrupted run can be continued with the same command.
    --overwrite replaces them.

    --level is in the quantity that the model is for: the noise's sigma
    (0.2 or 51/255), a JPEG quality, a scale, or a number from 0 to 1
    between two objectives. For noise alone it can be auto, the default:
    sigma is found in each picture. At sigma 0, quality 100 and scale 1
    there is nothing to do: the picture stays as it is, bit for bit.

    Without --model and --method the model is the one that FTN_MODEL
    names, or else photo, which comes with this package.

    Depth, alpha channel, colour profile, EXIF and resolution are kept.
    Pixels are not rotated: EXIF's orientation still applies.

    Exit codes: 0 all restored or already there; 1 some pictures failed,
    named at the end, and the rest is done; 2 a mistake in the call, or
    nowhere to write; 130 interrupted.
    """
    if sum((level is not None, alpha is not None, contact_sheet)) > 1:
        raise UserError("--level, --alpha and --contact-sheet are three ways to set the dial: give one of them")
    argument = None if level is None else LevelArgument.parse(level)
    # idle threads of PyTorch must not keep the cores from reading and writing; it is read when PyTorch is imported
    os.environ.setdefault("GOMP_SPINCOUNT", "1000")
    from serving.files.restore import Restoration

    code = Restoration(
        paths,
        level=argument,
        alpha=alpha,
        contact_sheet=contact_sheet,
        model=model,
        method=method,
        out=out,
        overwrite=overwrite,
    ).run()
    raise typer.Exit(code)
