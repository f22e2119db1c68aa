"""DVC's remote, to which ``dvc push`` and ``dvc pull`` go."""

from collections.abc import Iterator
from pathlib import Path

from dvc.config import Config, ConfigError
from dvc.fs import get_cloud_fs

from ftn_core.utils.errors import UserError
from stack.check.report import Line, line
from stack.check.storage import probe_folder, s3_line
from stack.settings import load_settings


def check() -> Iterator[Line]:
    """The default remote of the clone at hand."""
    what = "DVC remote"
    try:
        config = Config.from_cwd()
        name, known = config["core"].get("remote"), config["remote"]
        if name in known:
            file_system, settings, path = get_cloud_fs(config, name=name)
    except ConfigError:  # its text repeats lines of the file
        yield Line(False, what, "its configuration is not valid: see .dvc/config, .dvc/config.local and ~/.config/dvc")
        return
    if name and name not in known:
        yield Line(False, what, f"core.remote names {name}, which is not there: `dvc remote list`")
    elif known and not name:
        yield Line(False, what, f"there is {', '.join(known)}, but none is the default: `dvc remote default NAME`")
    elif not name:
        yield _not_yet(what)
    elif file_system.protocol == "s3":
        yield s3_line(f"{what} {name}", f"s3://{path}", settings)
    elif file_system.protocol == "local":
        yield line(f"{what} {name}", path, lambda: probe_folder(Path(path)))
    else:
        kind = file_system.protocol
        yield Line(False, f"{what} {name}", f"{kind} remotes are unknown to this check: `dvc status --cloud` asks it")


def _not_yet(what: str) -> Line:
    """The remote that `make up` or a worker will set in this clone, if the settings name a team's own."""
    try:
        settings = load_settings()
    except UserError as error:
        return Line(False, what, str(error))
    if settings.own_s3:
        return Line(True, what, "nothing configured: results stay in this machine's cache")
    return s3_line(f"{what}, not set yet", settings.remote, {"endpointurl": settings.endpoint})
