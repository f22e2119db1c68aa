"""The servers' addresses: from the environment; a server without one is started here, on loopback."""

import re
import secrets
import socket
from functools import cached_property
from pathlib import Path
from urllib.parse import quote, urlsplit, urlunsplit

import psutil
from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from ftn_core.utils.errors import UserError
from ftn_core.utils.urls import http_address

HOME = Path(".ftn/stack")
"""Data, logs and secrets of the servers that run here."""
CREDENTIALS = HOME / "credentials"
"""Keys of the S3 server, in the format that boto3 and DVC read."""
ENVIRONMENT_FILE = HOME / "env"
"""What programs need to find the servers that run here; `make up` writes it, and it holds secrets."""
PASSWORD = HOME / "secrets/password"
"""MLflow's and Prefect's password, unless ``FTN_AUTH`` gives one."""
NO_TELEMETRY = {"MLFLOW_DISABLE_TELEMETRY": "true", "DO_NOT_TRACK": "1", "PREFECT_SERVER_ANALYTICS_ENABLED": "false"}
"""Environment that turns off telemetry in everything that runs here."""
EVERYWHERE = ("0.0.0.0", "::")
"""What ``FTN_BIND`` is to listen on all addresses of this machine."""


class Settings(BaseSettings):
    """All settings. A variable is ``FTN_`` and the field's name; addresses of own servers have the clients' names."""

    model_config = SettingsConfigDict(env_prefix="FTN_", populate_by_name=True, frozen=True)

    bind: str = "127.0.0.1"
    """Address on which MLflow, Prefect and S3 listen."""
    auth: SecretStr | None = None
    """``user:password`` of MLflow's and Prefect's pages and interfaces; without it, a password is made."""
    postgres_port: int = 5433
    s3_port: int = 8333
    mlflow_port: int = 5000
    prefect_port: int = 4200
    postgres_url: SecretStr | None = None
    """``postgresql://user:password@host:port``, where ``mlflow`` and ``prefect`` exist or this user may create them."""
    remote: str = Field("s3://ftn/dvc", pattern="^s3://[^/]+(/.*)?$")
    """Where DVC pushes."""
    artifacts: str = Field("s3://ftn/mlflow", pattern="^s3://[^/]+(/.*)?$")
    """Where the MLflow server that runs here keeps artifacts."""
    slots: int = Field(1, ge=1)
    """Stages at once on this machine's worker of the pool ``default``."""
    mlflow_tracking_uri: str | None = Field(None, validation_alias="MLFLOW_TRACKING_URI")
    prefect_api_url: str | None = Field(None, validation_alias="PREFECT_API_URL")
    s3_endpoint: str | None = Field(None, validation_alias="AWS_ENDPOINT_URL_S3")

    @field_validator("auth")
    @classmethod
    def _user_and_password(cls, auth: SecretStr | None) -> SecretStr | None:
        user, _, password = auth.get_secret_value().partition(":") if auth else ("u", ":", "p" * 12)
        # 12 is MLflow's minimum; supervisord's configuration cannot hold the excluded characters
        if not user or len(password) < 12 or re.search(r"[\s\"';#]", user + password):
            raise ValueError(
                "must be user:password, at least 12 characters and no space, quotes, ; or # in the password"
            )
        return auth

    @field_validator("postgres_url")
    @classmethod
    def _no_database(cls, url: SecretStr | None) -> SecretStr | None:
        parts = urlsplit(url.get_secret_value()) if url else None
        if parts and (parts.scheme != "postgresql" or parts.path.strip("/") or not parts.hostname):
            raise ValueError("must be postgresql://user:password@host:port, without a database")
        return url

    @property
    def host(self) -> str:
        """The name under which clients reach the servers: on this machine and, outside loopback, on others."""
        return socket.gethostname() if self.bind in EVERYWHERE else self.bind

    @property
    def hosts(self) -> set[str]:
        """All names and addresses under which the servers may be asked for."""
        found = {self.host, "localhost", "127.0.0.1", "::1"}
        if self.bind in EVERYWHERE:
            cards = [entry for entries in psutil.net_if_addrs().values() for entry in entries]
            found |= {socket.getfqdn(), *(e.address for e in cards if e.family in (socket.AF_INET, socket.AF_INET6))}
        return found

    @cached_property
    def login(self) -> tuple[str, str]:
        """User and password of MLflow and Prefect: ``auth``, or what the first start has made."""
        user, _, password = self.auth.get_secret_value().partition(":") if self.auth else ("ftn", "", "")
        return user, password or _stored_secret(PASSWORD.name)

    def _here(self, port: int) -> str:
        return http_address(self.host, port)

    @property
    def own_mlflow(self) -> bool:
        """Whether the MLflow server is one that runs here."""
        return self.mlflow_tracking_uri in (None, "", self._here(self.mlflow_port))

    @property
    def own_prefect(self) -> bool:
        """Whether the Prefect server is one that runs here."""
        return self.prefect_api_url in (None, "", f"{self._here(self.prefect_port)}/api")

    @property
    def own_s3(self) -> bool:
        """Whether the S3 server is one that runs here; ``FTN_REMOTE`` without an endpoint means Amazon's."""
        if self.s3_endpoint:
            return self.s3_endpoint == self._here(self.s3_port)
        return "remote" not in self.model_fields_set

    @property
    def own_postgres(self) -> bool:
        """Whether PostgreSQL runs here."""
        return self.postgres_url is None and (self.own_mlflow or self.own_prefect)

    @property
    def mlflow(self) -> str:
        """Address of the MLflow server."""
        return self.mlflow_tracking_uri or self._here(self.mlflow_port)

    @property
    def prefect(self) -> str:
        """Address of the Prefect server's interface."""
        return self.prefect_api_url or f"{self._here(self.prefect_port)}/api"

    @property
    def endpoint(self) -> str | None:
        """Address of the S3 server; ``None``: boto3 finds it."""
        return self._here(self.s3_port) if self.own_s3 else self.s3_endpoint

    @property
    def buckets(self) -> set[str]:
        """The buckets that are needed."""
        return {urlsplit(self.remote).netloc, urlsplit(self.artifacts).netloc}

    @cached_property
    def postgres_password(self) -> str:
        """The password of the PostgreSQL that runs here, made once."""
        return _stored_secret("postgres-password")

    @cached_property
    def s3_keys(self) -> tuple[str, str]:
        """Key and secret of the S3 server that runs here, made once."""
        return _stored_secret("s3-key"), _stored_secret("s3-secret")

    @property
    def session_key(self) -> str:
        """Signs the sessions of MLflow's pages."""
        return _stored_secret("mlflow-session-key")

    def database(self, name: str, driver: str = "postgresql") -> str:
        """The address of one database, password included: never print it."""
        if self.postgres_url:
            parts = urlsplit(self.postgres_url.get_secret_value())
            return urlunsplit((driver, parts.netloc, f"/{name}", parts.query, ""))
        return f"{driver}://postgres:{quote(self.postgres_password)}@127.0.0.1:{self.postgres_port}/{name}"

    def client_environment(self) -> dict[str, str]:
        """The environment in which programs, on any machine, find the servers; it holds secrets."""
        found = {"PREFECT_API_URL": self.prefect, "MLFLOW_TRACKING_URI": self.mlflow, "FTN_REMOTE": self.remote}
        if self.endpoint:
            found["AWS_ENDPOINT_URL_S3"] = self.endpoint
        if self.own_s3:
            names = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_DEFAULT_REGION")
            found |= dict(zip(names, (*self.s3_keys, "us-east-1"), strict=True))
        user, password = self.login
        if self.own_prefect:
            found["PREFECT_API_AUTH_STRING"] = f"{user}:{password}"
        if self.own_mlflow:
            found |= {"MLFLOW_TRACKING_USERNAME": user, "MLFLOW_TRACKING_PASSWORD": password}
        return found


def load_settings() -> Settings:
    """Read the settings.

    Raises:
        UserError: one is not allowed; the message names it and never shows a secret.
    """
    try:
        return Settings()  # type: ignore[call-arg]
    except ValidationError as error:
        messages = [
            f"{'FTN_' + str(e['loc'][0]).upper() + ': ' if e['loc'] else ''}{e['msg'].removeprefix('Value error, ')}"
            for e in error.errors()
        ]
        raise UserError("; ".join(messages)) from None


def _stored_secret(name: str) -> str:
    path = HOME / "secrets" / name
    if not path.exists():
        write_private(path, secrets.token_hex(16))
    return path.read_text()


def write_private(path: Path, text: str) -> None:
    """Write a file atomically, readable by this user alone."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    partial = path.with_name(f"{path.name}.partial")
    partial.touch(0o600)
    partial.write_text(text)
    partial.replace(path)
