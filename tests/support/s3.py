"""A real S3 server (SeaweedFS) for tests: one for the session, with a user for everything and one who may only read."""

import json
import os
import subprocess
import sys
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from ports import free_ports

PORTS = (
    "s3.port", "s3.port.grpc", "master.port", "master.port.grpc", "volume.port", "volume.port.grpc",
    "filer.port", "filer.port.grpc",
)  # fmt: skip


@dataclass(frozen=True)
class User:
    key: str
    secret: str


ADMIN = User("ftn-admin", "planted-admin-secret")
READER = User("ftn-reader", "planted-reader-secret")


@dataclass(frozen=True)
class S3Server:
    endpoint: str

    def client(self, user: User = ADMIN):
        return boto3.client(
            "s3",
            endpoint_url=self.endpoint,
            aws_access_key_id=user.key,
            aws_secret_access_key=user.secret,
            region_name="us-east-1",
            config=Config(retries={"total_max_attempts": 1}, connect_timeout=5, read_timeout=20),
        )

    def bucket(self, name: str, *, versioned: bool = False):
        """A client, once there is a bucket of this name; several tests may ask for the same."""
        client = self.client()
        with suppress(client.exceptions.BucketAlreadyOwnedByYou):
            client.create_bucket(Bucket=name)
        if versioned:
            client.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
        return client

    def environment(self, user: User = ADMIN) -> dict[str, str]:
        """What boto3 reads to come here as this user."""
        return {
            "AWS_ENDPOINT_URL_S3": self.endpoint,
            "AWS_ACCESS_KEY_ID": user.key,
            "AWS_SECRET_ACCESS_KEY": user.secret,
            "AWS_DEFAULT_REGION": "us-east-1",
        }


@contextmanager
def s3_server(folder: Path):
    """Runs it in ``folder`` on free ports of 127.0.0.1 until the block ends."""
    users = [("admin", ADMIN, ["Admin", "Read", "Write", "List"]), ("reader", READER, ["Read", "List"])]
    identities = [
        {"name": name, "credentials": [{"accessKey": user.key, "secretKey": user.secret}], "actions": actions}
        for name, user, actions in users
    ]
    (folder / "s3.json").write_text(json.dumps({"identities": identities}))
    (folder / "data").mkdir()
    ports = dict(zip(PORTS, free_ports(len(PORTS)), strict=True))
    command = [
        str(Path(sys.executable).with_name("weed")), "server", "-s3", f"-dir={folder / 'data'}",
        "-ip=127.0.0.1", "-ip.bind=127.0.0.1", "-master.volumeSizeLimitMB=64", "-volume.max=100",
        f"-s3.config={folder / 's3.json'}", "-s3.port.iceberg=0", "-s3.port.lance=0", "-master.telemetry=false",
        *(f"-{name}={port}" for name, port in ports.items()),
    ]  # fmt: skip
    # 100 volumes: each bucket takes several of its own, and where none is left writing fails with 500
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(command, cwd=folder, stdout=log, stderr=log)
        try:
            server = S3Server(f"http://127.0.0.1:{ports['s3.port']}")
            _wait(server, process, folder / "log")
            yield server
        finally:
            # a polite end takes ten seconds, and nobody needs the data
            process.kill()
            process.wait()


def _wait(server: S3Server, process: subprocess.Popen, log: Path) -> None:
    """Until an object can be stored: the volumes come after the S3 port."""
    end = time.monotonic() + 60
    while True:
        try:
            client = server.bucket("ready")
            client.put_object(Bucket="ready", Key="ready", Body=b"ready")
            return
        except (BotoCoreError, ClientError):
            if process.poll() is not None or time.monotonic() > end:
                raise AssertionError(f"the S3 server does not start:\n{log.read_text()[-2000:]}") from None
            time.sleep(0.1)


def without_ambient_credentials(monkeypatch, home: Path) -> None:
    """No AWS setting of the person who runs the tests, and no asking a cloud machine for its role."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
