"""Downloads objects from ``s3://bucket/key``.

boto3 finds the server and the credentials in its usual places, such as ``AWS_ENDPOINT_URL_S3``, ``AWS_PROFILE`` and
``~/.aws``.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from ftn_core.sources.transfer import Body, TransientError
from ftn_core.utils.errors import UserError
from ftn_core.utils.s3_errors import describe_s3_error, is_transient
from ftn_core.utils.urls import redact_url


@contextmanager
def s3_download(url: str, start: int) -> Iterator[Body]:
    """Open the object from byte ``start``; see ``transfer.Open``."""
    import boto3
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError, ClientError

    bucket, _, key = url.removeprefix("s3://").partition("/")
    wanted = {"Range": f"bytes={start}-"} if start else {}
    # ``download`` retries, and checks a SHA-256 instead of the server's checksums
    config = Config(retries={"total_max_attempts": 1}, response_checksum_validation="when_required")
    try:
        # a new session, because boto3's default session keeps the credentials that it found first
        answer = boto3.Session().client("s3", config=config).get_object(Bucket=bucket, Key=key, **wanted)
        body = answer["Body"]
        first = start if "ContentRange" in answer else 0
        try:
            yield Body(first, first + answer["ContentLength"], body.read)
        finally:
            body.close()
    # ValueError: the endpoint is not a URL
    except (BotoCoreError, ClientError, ValueError) as error:
        if isinstance(error, ClientError) and error.response["Error"]["Code"] == "InvalidRange" and start:
            # the server has no bytes after ``start``; the checksum decides whether the file is complete
            yield Body.empty(start)
        elif is_transient(error):
            raise TransientError(describe_s3_error(error, "read", bucket)) from None
        else:
            raise UserError(
                f"data.archive: cannot read {redact_url(url)}: {describe_s3_error(error, 'read', bucket)}"
            ) from None
