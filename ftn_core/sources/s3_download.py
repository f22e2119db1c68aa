"""Objects from ``s3://bucket/key``. Where the server is and who we are, boto3's own chain decides:
``AWS_ENDPOINT_URL_S3``, ``AWS_PROFILE``, ``~/.aws`` and the like."""

from collections.abc import Iterator
from contextlib import contextmanager

from ftn_core.sources.transfer import Body, TransientError
from ftn_core.utils.errors import UserError
from ftn_core.utils.s3_errors import describe_s3_error, is_transient
from ftn_core.utils.urls import redact_url


@contextmanager
def s3_download(url: str, start: int) -> Iterator[Body]:
    """The object from byte ``start`` on; see ``transfer.Open``."""
    import boto3
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError, ClientError

    bucket, _, key = url.removeprefix("s3://").partition("/")
    wanted = {"Range": f"bytes={start}-"} if start else {}
    # the download has its own retries, and its SHA-256 instead of the server's checksums
    config = Config(retries={"total_max_attempts": 1}, response_checksum_validation="when_required")
    try:
        # a session of its own, not boto3's common one: that keeps the credentials that it found first
        answer = boto3.Session().client("s3", config=config).get_object(Bucket=bucket, Key=key, **wanted)
        body = answer["Body"]
        first = start if "ContentRange" in answer else 0
        try:
            yield Body(first, first + answer["ContentLength"], body.read)
        finally:
            body.close()
    # a ValueError: an endpoint that is no address
    except (BotoCoreError, ClientError, ValueError) as error:
        if isinstance(error, ClientError) and error.response["Error"]["Code"] == "InvalidRange" and start:
            # there is nothing beyond what we have, so the checksum decides
            yield Body.empty(start)
        elif is_transient(error):
            raise TransientError(describe_s3_error(error, "read", bucket)) from None
        else:
            raise UserError(
                f"data.archive: cannot read {redact_url(url)}: {describe_s3_error(error, 'read', bucket)}"
            ) from None
