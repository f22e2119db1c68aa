"""Buckets and folders: what is written there is read back and deleted."""

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
from stack.check import words
from stack.check.report import FaultError, Line, line


def s3_line(what: str, url: str, remote: Mapping[str, Any]) -> Line:
    """Look into ``s3://bucket/prefix`` with a DVC remote's settings; what is left out, boto3's own chain decides."""
    bucket, _, prefix = url.removeprefix("s3://").partition("/")
    where, anonymous = redact_url(url), bool(remote.get("allow_anonymous_login"))
    try:
        session = botocore.session.Session(profile=remote.get("profile"))
        # as DVC does it, the environment goes before a remote's own files
        for setting, name, variable in (
            ("credentialpath", "credentials_file", "AWS_SHARED_CREDENTIALS_FILE"),
            ("configpath", "config_file", "AWS_CONFIG_FILE"),
        ):
            if remote.get(setting) and not os.environ.get(variable):
                session.set_config_variable(name, remote[setting])
        # asking for a role is for cloud machines, where the answer is near
        session.set_config_variable("metadata_service_timeout", 1)
        session.set_config_variable("metadata_service_num_attempts", 1)
        keys = [remote.get(key) for key in ("access_key_id", "secret_access_key", "session_token")]
        own = boto3.Session(*keys, botocore_session=session)
        config = Config(connect_timeout=words.CONNECT, read_timeout=words.READ, retries={"total_max_attempts": 1})
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
    except (BotoCoreError, ValueError) as error:  # a ValueError: an endpoint that is no address
        return Line(False, what, f"{where}: {describe_s3_error(error, 'read', bucket)}")
    if credentials:
        where += " (credentials from " + ("DVC's config)" if keys[0] else f"{credentials.method})")
    elif not anonymous:
        files = " and ".join(session.get_config_variable(name) for name in ("credentials_file", "config_file"))
        places = f"AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, profile {session.profile or 'default'} in {files}"
        return Line(False, what, f"{where}: no credentials found: looked at {places}, the machine's role")
    return line(what, where, lambda: _probe_bucket(client, bucket, prefix, bool(remote.get("version_aware"))))


def _probe_bucket(client: Any, bucket: str, prefix: str, version_aware: bool) -> str:  # noqa: ANN401 - no types
    folder = f"{prefix.rstrip('/')}/" if prefix else ""
    key, content = f"{folder}.ftn-check-{uuid.uuid4().hex}", uuid.uuid4().bytes
    with _told("list", bucket):
        client.list_objects_v2(Bucket=bucket, Prefix=folder, MaxKeys=1)
    versions = _versioning(client, bucket)
    with _told("write", bucket, "reachable, readable, not writable: ", f"; {versions}"):
        put = client.put_object(Bucket=bucket, Key=key, Body=content)
    # in a versioned bucket only deleting the version itself leaves nothing behind
    version = {"VersionId": put["VersionId"]} if put.get("VersionId") else {}
    try:
        with _told("read", bucket):
            read = client.get_object(Bucket=bucket, Key=key)["Body"].read()
    finally:
        with _told("delete", bucket, "reachable, writable, but ", f"; {key} is left behind; {versions}"):
            client.delete_object(Bucket=bucket, Key=key, **version)
    if read != content:
        raise FaultError("reachable, but what was written is not what is read back")
    if version_aware and versions != "versioned":
        raise FaultError(f"reachable, readable, writable, but {versions}, and the remote is version_aware")
    return f"reachable, readable, writable, {versions}"


def _versioning(client: Any, bucket: str) -> str:  # noqa: ANN401 - no types
    try:
        status = client.get_bucket_versioning(Bucket=bucket).get("Status")
    except (BotoCoreError, ClientError):
        return "versioning unknown (the server does not tell this key)"
    return {"Enabled": "versioned", "Suspended": "versioning suspended"}.get(status, "not versioned")


@contextlib.contextmanager
def _told(action: str, bucket: str, before: str = "", after: str = "") -> Iterator[None]:
    """Errors of one request as faults."""
    try:
        yield
    except (BotoCoreError, ClientError) as error:
        raise FaultError(f"{before}{describe_s3_error(error, action, bucket)}{after}") from None


def probe_folder(folder: Path) -> str:
    """One that is not there is only looked at, its first user creates it."""
    if not folder.exists():
        parent = next(parent for parent in folder.parents if parent.exists())
        if not parent.is_dir() or not os.access(parent, os.W_OK):
            raise FaultError(f"does not exist, and no permission to create it in {parent}")
        return "does not exist yet, can be created"
    if not folder.is_dir():
        raise FaultError("not a folder")
    if not os.access(folder, os.R_OK | os.X_OK):
        raise FaultError("no permission to read")
    probe = folder / f".ftn-check-{uuid.uuid4().hex}"
    try:
        probe.write_bytes(b"ftn")
        probe.unlink()
    except OSError as error:
        raise FaultError(f"readable, not writable: {error.strerror}") from None
    return "reachable, readable, writable, not versioned (a folder)"
