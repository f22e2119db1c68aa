"""The command ``ftn``: one file a subcommand, which imports what is heavy inside its function: help comes at once."""

import sys

import typer
from dotenv import load_dotenv

from ftn_core.utils.errors import UserError
from serving.demo.command import demo
from serving.files.command import restore
from serving.models.command import app as models

app = typer.Typer(
    name="ftn",
    help="Image restoration whose strength is a dial.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
app.command()(restore)
app.command()(demo)
app.add_typer(models, name="models")


def main() -> None:
    """Run a subcommand. Exit codes: 0 done, 1 done in part, 2 a mistake that the user can repair, 130 interrupted."""
    load_dotenv(".env")  # where MLflow is
    try:
        code = app(standalone_mode=True)
    except UserError as error:
        print(f"ftn: {error}", file=sys.stderr)
        code = 2
    except KeyboardInterrupt:
        code = 130
    sys.exit(code)


if __name__ == "__main__":
    main()
