"""The command ``ftn``. Subcommands import PyTorch and MLflow inside their functions, so that ``--help`` is quick."""

import re
import sys
from importlib.metadata import version
from typing import Annotated

import typer

from ftn_core.utils.environment_file import load_environment
from ftn_core.utils.errors import UserError
from ftn_core.utils.messages import complain
from ftn_core.utils.project import choose_project
from serving.demo.command import demo_command
from serving.export.command import export_command
from serving.files.command import restore_command
from serving.http.command import serve_command
from serving.models.command import models_app

_EXTRAS = {
    "starlette": "serve",
    "uvicorn": "serve",
    "onnx": "export",
    "onnxruntime": "export",
    "onnxscript": "export",
}
"""The extra that brings a module; all others come with ``pipeline``."""

ftn_app = typer.Typer(
    name="ftn",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)


def _show_version(wanted: bool) -> None:
    if wanted:
        print(f"ftn {version('ftn')}")
        raise typer.Exit


@ftn_app.callback()
def ftn_options(
    _version: Annotated[
        bool,
        typer.Option("--version", help="Show the version and exit.", is_eager=True, callback=_show_version),
    ] = False,
) -> None:
    """Image restoration whose strength is a dial."""


ftn_app.command("restore")(restore_command)
ftn_app.command("export")(export_command)
ftn_app.command("demo")(demo_command)
ftn_app.command("serve")(serve_command)
ftn_app.add_typer(models_app, name="models")


def main() -> None:
    """Run a subcommand. Exit codes: 0 done, 1 partly done, 2 the user's mistake, 130 interrupted."""
    choose_project()
    load_environment()  # it can hold MLflow's address
    try:
        if empty := [text for text in sys.argv[1:] if re.fullmatch(r"(--[\w-]+=)?", text)]:
            raise UserError(f"{empty[0]!r} is empty: is a variable of the shell not set?")
        code = ftn_app(standalone_mode=True)
    except UserError as error:
        complain(f"ftn: {error}")
        code = 2
    except ModuleNotFoundError as error:
        extra = _EXTRAS.get(error.name or "", "pipeline")
        complain(f"ftn: {error.name} is not installed: pip install 'ftn[{extra}]'")
        code = 2
    except KeyboardInterrupt:
        code = 130
    sys.exit(code)


if __name__ == "__main__":
    main()
