"""Checks buckets and folders: writes a file, reads it back and deletes it."""

import contextlib
import os
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import boto3
import botocore.session
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from ftn_core.utils.s3_errors import describe_s3_error
from ftn_core.utils.urls import redact_url
from stack.check import timeouts
from stack.check.report import CheckError, CheckResult, run_probe


def check_bucket(service: str, url: str, remote: Mapping[str, Any]) -> CheckResult:
    """Check ``s3://bucket/prefix`` with the settings of a DVC remote; boto3 supplies those that are missing."""
    bucket, _, prefix = url.removeprefix("s3://").partition("/")
    where, anonymous = redact_url(url), bool(remote.get("allow_anonymous_login"))
    try:
        session = botocore.session.Session(profile=remote.get("profile"))
        # as in DVC, the environment takes precedence over the remote's own files
        for setting, name, variable in (
            ("credentialpath", "credentials_file", "AWS_SHARED_CREDENTIALS_FILE"),
            ("configpath", "config_file", "AWS_CONFIG_FILE"),
        ):
            if remote.get(setting) and not os.environ.get(variable):
                session.set_config_variable(name, remote[setting])
        # a machine's role exists only in a cloud, where the answer comes fast
        session.set_config_variable("metadata_service_timeout", 1)
        session.set_config_variable("metadata_service_num_attempts", 1)
        keys = [remote.get(key) for key in ("access_key_id", "secret_access_key", "session_token")]
        own = boto3.Session(*keys, botocore_session=session)
        config = Config(
            connect_timeout=timeouts.CONNECT_SECONDS,
            read_timeout=timeouts.READ_SECONDS,
            retries={"total_max_attempts": 1},
        )
        client = own.client(
            "s3",
            region_name=remote.get("region"),
            endpoint_url=remote.get("endpointurl"),
            use_ssl=remote.get("use_ssl", True),
            verify=remote.get("ssl_verify"),
            config=config.merge(Config(signature_version=UNSIGNED)) if anonymous else config,
        )
        where += f" at {redact_url(client.meta.endpoint_url)}"
        credentials = None if anonymous else own.get_credentials()
    except (BotoCoreError, ValueError) as error:  # ValueError: the endpoint is no address
        return CheckResult(False, service, f"{where}: {describe_s3_error(error, 'read', bucket)}")
    if credentials:
        where += " (credentials from " + ("DVC's config)" if keys[0] else f"{credentials.method})")
    elif not anonymous:
        files = " and ".join(session.get_config_variable(name) for name in ("credentials_file", "config_file"))
        places = f"AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, profile {session.profile or 'default'} in {files}"
        return CheckResult(False, service, f"{where}: no credentials found: looked at {places}, the machine's role")
    return run_probe(service, where, lambda: _probe_bucket(client, bucket, prefix, bool(remote.get("version_aware"))))


def _probe_bucket(client: Any, bucket: str, prefix: str, version_aware: bool) -> str:  # noqa: ANN401 - no types
    folder = f"{prefix.rstrip('/')}/" if prefix else ""
    key, content = f"{folder}.ftn-check-{uuid.uuid4().hex}", uuid.uuid4().bytes
    with _s3_errors("list", bucket):
        client.list_objects_v2(Bucket=bucket, Prefix=folder, MaxKeys=1)
    versions = _versioning(client, bucket)
    with _s3_errors("write", bucket, "reachable, readable, not writable: ", f"; {versions}"):
        put = client.put_object(Bucket=bucket, Key=key, Body=content)
    # in a versioned bucket, only deleting the version itself removes the object
    version = {"VersionId": put["VersionId"]} if put.get("VersionId") else {}
    try:
        with _s3_errors("read", bucket):
            read = client.get_object(Bucket=bucket, Key=key)["Body"].read()
    finally:
        with _s3_errors("delete", bucket, "reachable, writable, but ", f"; {key} is left behind; {versions}"):
            client.delete_object(Bucket=bucket, Key=key, **version)
    if read != content:
        raise CheckError("reachable, but what was written is not what is read back")
    if version_aware and versions != "versioned":
        raise CheckError(f"reachable, readable, writable, but {versions}, and the remote is version_aware")
    return f"reachable, readable, writable, {versions}"


def _versioning(client: Any, bucket: str) -> str:  # noqa: ANN401 - no types
    try:
        status = client.get_bucket_versioning(Bucket=bucket).get("Status")
    except (BotoCoreError, ClientError):
        return "versioning unknown (the server does not tell this key)"
    return {"Enabled": "versioned", "Suspended": "versioning suspended"}.get(status, "not versioned")


@contextlib.contextmanager
def _s3_errors(action: str, bucket: str, before: str = "", after: str = "") -> Iterator[None]:
    """Turn the errors of one request into ``CheckError``."""
    try:
        yield
    except (BotoCoreError, ClientError) as error:
        raise CheckError(f"{before}{describe_s3_error(error, action, bucket)}{after}") from None


def probe_folder(folder: Path) -> str:
    """Check a folder; one that does not exist is not created, because its first user will do that."""
    if not folder.exists():
        parent = next(parent for parent in folder.parents if parent.exists())
        if not parent.is_dir() or not os.access(parent, os.W_OK):
            raise CheckError(f"does not exist, and no permission to create it in {parent}")
        return "does not exist yet, can be created"
    if not folder.is_dir():
        raise CheckError("not a folder")
    if not os.access(folder, os.R_OK | os.X_OK):
        raise CheckError("no permission to read")
    probe = folder / f".ftn-check-{uuid.uuid4().hex}"
    try:
        probe.write_bytes(b"ftn")
        probe.unlink()
    except OSError as error:
        raise CheckError(f"readable, not writable: {error.strerror}") from None
    return "reachable, readable, writable, not versioned (a folder)"
