"""Checks DVC's remote, which ``dvc push`` and ``dvc pull`` use."""

from collections.abc import Iterator
from pathlib import Path

from dvc.config import Config, ConfigError
from dvc.fs import get_cloud_fs

from ftn_core.utils.errors import UserError
from stack.check.report import CheckResult, run_probe
from stack.check.storage import check_bucket, probe_folder
from stack.settings import load_settings


def check() -> Iterator[CheckResult]:
    """Check the default remote of this clone."""
    service = "DVC remote"
    try:
        config = Config.from_cwd()
        name, known = config["core"].get("remote"), config["remote"]
        if name in known:
            file_system, settings, path = get_cloud_fs(config, name=name)
    except ConfigError:  # its text repeats lines of the file, which may hold keys
        yield CheckResult(
            False, service, "its configuration is not valid: see .dvc/config, .dvc/config.local and ~/.config/dvc"
        )
        return
    if name and name not in known:
        yield CheckResult(False, service, f"core.remote names {name}, which is not there: `dvc remote list`")
    elif known and not name:
        yield CheckResult(
            False, service, f"there is {', '.join(known)}, but none is the default: `dvc remote default NAME`"
        )
    elif not name:
        yield _future_remote(service)
    elif file_system.protocol == "s3":
        yield check_bucket(f"{service} {name}", f"s3://{path}", settings)
    elif file_system.protocol == "local":
        yield run_probe(f"{service} {name}", path, lambda: probe_folder(Path(path)))
    else:
        kind = file_system.protocol
        yield CheckResult(
            False, f"{service} {name}", f"{kind} remotes are unknown to this check: `dvc status --cloud` asks it"
        )


def _future_remote(service: str) -> CheckResult:
    """Check the remote that `make up` or a worker will set in this clone, if the settings name a team's own."""
    try:
        settings = load_settings()
    except UserError as error:
        return CheckResult(False, service, str(error))
    if settings.own_s3:
        return CheckResult(True, service, "nothing configured: results stay in this machine's cache")
    return check_bucket(f"{service}, not set yet", settings.remote, {"endpointurl": settings.endpoint})
