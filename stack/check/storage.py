"""Checks a bucket or folder: writes a file, reads it back and deletes it."""

import os
import uuid
from typing import Any

import boto3
import botocore.session
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from dvc.fs import FileSystem

from ftn_core.utils.errors import UserError
from ftn_core.utils.s3_errors import describe_s3_error
from stack.check.messages import ANSWER_SECONDS

WORKS = "reachable, readable, writable"


def probe(kind: type[FileSystem], settings: dict[str, Any], path: str) -> str:
    """Probe what ``dvc.fs.get_cloud_fs`` returns.

    Raises:
        UserError: it cannot be used; the message holds no secret.
    """
    name, content = f".ftn-check-{uuid.uuid4().hex}", uuid.uuid4().bytes
    if kind.protocol == "s3":
        return _probe_bucket(settings, path, name, content)
    file_system = kind(**settings)
    try:
        if not file_system.exists(path):
            return "does not exist yet: the first push makes it"
        file_system.pipe_file(f"{path}/{name}", content)
        file_system.rm_file(f"{path}/{name}")
    except NotADirectoryError:
        raise UserError("not a folder") from None
    except OSError as error:
        raise UserError(f"reachable, not writable: {error.strerror or type(error).__name__}") from None
    return WORKS


def _probe_bucket(remote: dict[str, Any], path: str, name: str, content: bytes) -> str:
    bucket, _, prefix = path.partition("/")
    place, action = {"Bucket": bucket, "Key": f"{prefix}/{name}".lstrip("/")}, "list"
    try:
        s3 = _client(remote)
        s3.list_objects_v2(Bucket=bucket, MaxKeys=1)  # some servers make a missing bucket when they are written to
        action = "write"
        version = s3.put_object(Body=content, **place).get("VersionId")
        action = "read"
        s3.get_object(**place)
        action = "delete"
        # in a versioned bucket, only deleting the version itself removes the object
        s3.delete_object(**place, **({"VersionId": version} if version else {}))
    except (BotoCoreError, ClientError, ValueError) as error:  # ValueError: the endpoint is no address
        left = f"; {place['Key']} is left behind" if action == "delete" else ""
        raise UserError(f"{describe_s3_error(error, action, bucket)}{left}") from None
    if remote.get("version_aware") and not version:
        raise UserError(f"{WORKS}, but not versioned, and the remote is version_aware")
    return f"{WORKS}, {'versioned' if version else 'not versioned'}"


def _client(remote: dict[str, Any]) -> Any:  # noqa: ANN401 - boto3 makes its classes at run time
    """A client with the settings of a DVC remote. DVC's own, s3fs, may wait for ever."""
    session = botocore.session.Session(profile=remote.get("profile"))
    # as in DVC, the environment takes precedence over the remote's own files
    for setting, name, variable in (
        ("credentialpath", "credentials_file", "AWS_SHARED_CREDENTIALS_FILE"),
        ("configpath", "config_file", "AWS_CONFIG_FILE"),
    ):
        if remote.get(setting) and not os.environ.get(variable):
            session.set_config_variable(name, remote[setting])
    keys = [remote.get(key) for key in ("access_key_id", "secret_access_key", "session_token")]
    config = Config(connect_timeout=ANSWER_SECONDS, read_timeout=ANSWER_SECONDS, retries={"total_max_attempts": 1})
    if remote.get("allow_anonymous_login"):
        config = config.merge(Config(signature_version=UNSIGNED))
    return boto3.Session(*keys, botocore_session=session).client(
        "s3",
        region_name=remote.get("region"),
        endpoint_url=remote.get("endpointurl"),
        use_ssl=remote.get("use_ssl", True),
        verify=remote.get("ssl_verify"),
        config=config,
    )
