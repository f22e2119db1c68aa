"""The S3 server: its user, the command that serves it, its buckets, and DVC's remote on it."""

import contextlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from filelock import FileLock

from ftn_core.utils.errors import UserError
from ftn_core.utils.s3_errors import describe_s3_error
from ftn_core.utils.urls import redact_url
from stack.certificate import CERTIFICATE, make_certificate
from stack.settings import CREDENTIALS, HOME, Settings, write_private

S3_DATA = HOME / "s3"
USERS = HOME / "secrets/s3.json"
if TYPE_CHECKING:
    from configobj import ConfigObj

_SECTION = 'remote "stack"'


def initialise(settings: Settings) -> None:
    """Write the keys: for the server, the file of its users and a certificate; for its clients, a credentials file."""
    key, secret = settings.s3_keys
    S3_DATA.mkdir(parents=True, exist_ok=True)
    S3_DATA.chmod(0o700)  # no way around the keys
    make_certificate()
    user = {"name": "ftn", "credentials": [{"accessKey": key, "secretKey": secret}], "actions": ["Admin"]}
    write_private(USERS, json.dumps({"identities": [user]}))
    write_private(CREDENTIALS, f"[default]\naws_access_key_id = {key}\naws_secret_access_key = {secret}\n")


def ports(settings: Settings) -> dict[str, int]:
    """Ports by use. SeaweedFS is four servers in one, and each also uses the port 10,000 above its own, for gRPC."""
    found = {use: settings.s3_port + i for i, use in enumerate(("s3", "s3-master", "s3-volume", "s3-filer"))}
    return found | {f"{use}-grpc": port + 10_000 for use, port in found.items()}


def command(settings: Settings) -> list[str]:
    """The command of the server, in the foreground; S3 itself listens on ``settings.bind``, the rest on loopback."""
    port = ports(settings)
    program = Path(sys.executable).parent / "weed"
    return [
        *(str(program), "server", f"-dir={S3_DATA.absolute()}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1"),
        *(f"-master.port={port['s3-master']}", f"-volume.port={port['s3-volume']}", f"-filer.port={port['s3-filer']}"),
        *("-master.volumeSizeLimitMB=256", "-volume.max=0", "-volume.preStopSeconds=0", "-master.telemetry=false"),
        *("-s3", f"-s3.port={port['s3']}", f"-s3.ip.bind={settings.bind}", f"-s3.config={USERS.absolute()}"),
        *("-s3.port.iceberg=0", "-s3.port.lance=0"),
    ]


def environment() -> dict[str, str]:
    """Settings for mutual TLS on all ports but S3's own, which asks for S3's keys.

    Without them master, volumes, filer, and S3's port for gRPC serve every client.
    """
    certificate = str(CERTIFICATE.absolute())
    components = [f"GRPC_{name}" for name in ("MASTER", "VOLUME", "FILER", "S3", "CLIENT")]
    components += [f"HTTPS_{name}" for name in ("MASTER", "VOLUME", "FILER", "CLIENT")]
    found = {f"WEED_{component}_{what}": certificate for component in components for what in ("CA", "CERT", "KEY")}
    return found | {"WEED_GRPC_CA": certificate, "WEED_HTTPS_CLIENT_ENABLED": "true"}


def s3_client(settings: Settings) -> Any:  # noqa: ANN401 - boto3 makes its classes at run time
    """A client with the keys of the server that runs here, else with those that boto3 finds."""
    import boto3
    from botocore.config import Config

    key, secret = settings.s3_keys if settings.own_s3 else (None, None)
    return boto3.client(
        "s3",
        endpoint_url=settings.endpoint,
        aws_access_key_id=key,
        aws_secret_access_key=secret,
        region_name="us-east-1" if settings.own_s3 else None,
        config=Config(connect_timeout=5, read_timeout=20, retries={"max_attempts": 2}),
    )


def is_ready(settings: Settings) -> bool:
    """Whether the server that runs here answers and accepts its keys."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        s3_client(settings).list_buckets()
    except (BotoCoreError, ClientError):
        return False
    return True


def create_buckets(settings: Settings) -> None:
    """Create the buckets that are missing, on the server that runs here or on the team's own.

    Raises:
        UserError: the server refuses.
    """
    from botocore.exceptions import BotoCoreError, ClientError

    where = redact_url(settings.endpoint or "AWS")
    for bucket in sorted(settings.buckets):
        try:
            s3 = s3_client(settings)
            _create_bucket(s3, bucket)
        except (BotoCoreError, ClientError, ValueError) as error:
            raise UserError(
                f"bucket {bucket} of S3 at {where}: {describe_s3_error(error, 'use', bucket)}: `make check`"
            ) from None


def _create_bucket(s3: Any, bucket: str) -> None:  # noqa: ANN401 - boto3 makes its classes at run time
    from botocore.exceptions import ClientError

    try:
        s3.head_bucket(Bucket=bucket)
    except ClientError as error:
        if error.response["Error"]["Code"] not in ("404", "NoSuchBucket"):
            raise
        region = s3.meta.region_name
        location = {"CreateBucketConfiguration": {"LocationConstraint": region}} if region != "us-east-1" else {}
        s3.create_bucket(Bucket=bucket, **location)


def point_dvc(settings: Settings) -> str:
    """Make the server DVC's default remote in this clone, unless there is another one; returns the remote's address."""
    from dvc.config import Config

    config = Config.from_cwd()
    chosen = config["core"].get("remote")
    if chosen not in (None, "stack"):
        return redact_url(str(config["remote"].get(chosen, {}).get("url", chosen)))
    wanted = {"url": settings.remote}
    if settings.endpoint:
        wanted["endpointurl"] = settings.endpoint
    if settings.own_s3:
        wanted |= {"credentialpath": str(CREDENTIALS.absolute()), "region": "us-east-1"}
    with _local_config() as local:
        local.setdefault("core", {})["remote"] = "stack"
        local[_SECTION] = wanted
    return settings.remote


def release_dvc() -> None:
    """Make the server that ran here DVC's default remote no more: it would be asked in vain."""
    with _local_config() as local:
        if local.get(_SECTION, {}).get("credentialpath") == str(CREDENTIALS.absolute()):
            del local[_SECTION]
            if local.get("core", {}).get("remote") == "stack":
                del local["core"]["remote"]


@contextlib.contextmanager
def _local_config() -> "Iterator[ConfigObj]":
    """DVC's local configuration, to be changed: two workers start at the same time, and others read it meanwhile."""
    from configobj import ConfigObj

    path = Path(".dvc/config.local")
    with FileLock(".ftn/config.lock"):
        local = ConfigObj(str(path), encoding="utf-8")
        before = local.dict()
        yield local
        if local.dict() != before:
            local.filename = f"{path}.partial"
            local.write()
            Path(local.filename).replace(path)
