"""Describes what is wrong with an S3 server or our access to it, for the person who has to fix it.

Texts of the server and of botocore are not passed on if they could contain an address with a password.
"""

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from ftn_core.utils.network_errors import NO_ANSWER, SILENT, describe_connection_error, describe_tls_error
from ftn_core.utils.urls import redact_text

_TRANSIENT_CODES = ("RequestTimeout", "RequestTimeoutException", "SlowDown", "Throttling", "ThrottlingException")
_TRANSIENT_STATUSES = (408, 429)
_CREDENTIAL_SOURCES = (
    "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, the profile that AWS_PROFILE names (or `default`) in "
    "~/.aws/credentials and ~/.aws/config (or AWS_SHARED_CREDENTIALS_FILE and AWS_CONFIG_FILE), and the machine's role"
)


def is_transient(error: Exception) -> bool:
    """Whether a retry may help: after network failures or overload, but not with a wrong key or a missing object."""
    from botocore.exceptions import ClientError, ConnectionError, HTTPClientError, IncompleteReadError, SSLError

    if isinstance(error, ClientError):
        return _status(error) >= 500 or _status(error) in _TRANSIENT_STATUSES or _code(error) in _TRANSIENT_CODES
    if isinstance(error, SSLError):
        return "CERTIFICATE_VERIFY_FAILED" not in str(error) and "WRONG_VERSION_NUMBER" not in str(error)
    return isinstance(error, ConnectionError | HTTPClientError | IncompleteReadError)


def describe_s3_error(error: Exception, action: str, bucket: str) -> str:
    """One sentence for an error of boto3 or botocore; ``action`` is what was tried, such as ``read`` or ``write``."""
    from botocore.exceptions import ClientError

    return _answer(error, action, bucket) if isinstance(error, ClientError) else _no_answer(error)


def _answer(error: Any, action: str, bucket: str) -> str:  # noqa: ANN401 - botocore has no types
    """Describe an error that the server returned."""
    match _code(error):
        case "InvalidAccessKeyId":
            return "bad key id: the server does not know this access key id"
        case "SignatureDoesNotMatch":
            return "wrong secret: the secret access key does not belong to the access key id"
        case "NoSuchBucket":
            return f"missing bucket: there is no bucket {bucket} on this server"
        case "NoSuchKey":
            return f"there is no such object in bucket {bucket}"
        case "AccessDenied" | "AllAccessDisabled" | "403":
            return f"no permission to {action}: the server knows the key but does not allow it in bucket {bucket}"
        case "RequestTimeTooSkewed":
            return f"clock skew: {_skew(error)}; set the clock (NTP)"
        case "ExpiredToken" | "ExpiredTokenException" | "InvalidToken":
            return "the session token is invalid or has expired: log in again"
        case "PermanentRedirect" | "AuthorizationHeaderMalformed" | "IllegalLocationConstraintException":
            return f"wrong region or endpoint for bucket {bucket}: set the region, AWS_REGION"
        case code if _status(error) >= 500:
            return f"the server fails: {_status(error)} {code}; is it out of space? its log says more"
        case code:
            return f"the server answers {_status(error)} {code}: is this an S3 server?"


def _no_answer(error: Any) -> str:  # noqa: ANN401 - botocore has no types
    """Describe an error without an answer: no request was sent, or no answer arrived."""
    from botocore import exceptions as e

    reason = getattr(error, "kwargs", {}).get("error")
    match error:
        case e.NoCredentialsError():
            return f"no credentials found: looked at {_CREDENTIAL_SOURCES}"
        case e.PartialCredentialsError():
            return f"half of the credentials: {error.kwargs['cred_var']} is missing in {error.kwargs['provider']}"
        case e.ProfileNotFound():
            return f"no profile {error.kwargs['profile']} in ~/.aws/config or ~/.aws/credentials"
        case e.SSLError():
            return describe_tls_error(str(reason))
        case e.ConnectTimeoutError():
            return NO_ANSWER
        case e.ReadTimeoutError():
            return SILENT
        case e.EndpointConnectionError() | e.ProxyConnectionError():
            return describe_connection_error(str(reason))
        case e.HTTPClientError() | e.IncompleteReadError():
            return "the connection ended before the answer did"
        case ValueError() if "endpoint" in str(error).lower():
            return "the endpoint is no address: write http://HOST:PORT or https://HOST"
    return f"{type(error).__name__}: {redact_text(' '.join(str(error).split()))}"


def _skew(error: Any) -> str:  # noqa: ANN401 - botocore has no types
    """Describe by how much this machine's clock differs from the server's."""
    stated = error.response["Error"].get("ServerTime")
    date = error.response["ResponseMetadata"].get("HTTPHeaders", {}).get("date")
    try:
        there = datetime.fromisoformat(stated) if stated else parsedate_to_datetime(date)
    except (TypeError, ValueError):
        return "this machine's clock differs too much from the server's"
    seconds = round((datetime.now(UTC) - there.replace(tzinfo=there.tzinfo or UTC)).total_seconds())
    return f"this machine's clock is {abs(seconds)} s {'ahead of' if seconds > 0 else 'behind'} the server's"


def _code(error: Any) -> str:  # noqa: ANN401 - botocore has no types
    return str(error.response.get("Error", {}).get("Code", ""))


def _status(error: Any) -> int:  # noqa: ANN401 - botocore has no types
    return int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
