import pytest

from ftn_core.utils.urls import redact_url


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://host:8333/a@b", "https://host:8333/a@b"),
        ("s3://bucket/a@b", "s3://bucket/a@b"),
        ("http://user:secret@host:1/a", "http://***@host:1/a"),
        ("http://user:se@cret@host/a", "http://***@host/a"),
        ("postgresql://user:se/cret@host/db", "postgresql://***@host/db"),
        ("http://user:se?cret@host/db", "http://***@host/db"),
        ("https://host/a?X-Amz-Signature=secret", "https://host/a?***"),
        ("sqlite:////a/b.db", "sqlite:////a/b.db"),
        ("/a/b@c", "/a/b@c"),
    ],
)
def test_nothing_secret_is_left(url, expected):
    assert redact_url(url) == expected
