import pytest

from ftn_core.utils.urls import redact_text, redact_url, redact_values


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


@pytest.mark.parametrize(
    "text",
    [
        "cannot open (http://user:secret@host/a) now",
        "pool: retries exceeded with url: /mlflow?token=secret/api/2.0/search (timed out)",
        "postgresql+psycopg2://host/db?password=secret: refused",
        "two: https://u:secret@a/b and 's3://host/x?X-Amz-Signature=secret'",
    ],
)
def test_no_secret_is_left_in_a_text(text):
    redacted = redact_text(text)
    assert "secret" not in redacted and "***" in redacted


def test_a_text_without_addresses_stays():
    for text in ("why? because a = b", "50 % of data/a?b.png", "models:/ftn/1"):
        assert redact_text(text) == text


def test_urls_in_parameters_are_redacted_and_nothing_else():
    values = {"archive": {"url": "https://u:secret@host/a.zip", "sha256": "ab"}, "levels": [0.2, "s3://b/a?t=secret"]}
    assert redact_values(values) == {
        "archive": {"url": "https://***@host/a.zip", "sha256": "ab"}, "levels": [0.2, "s3://b/a?***"],
    }  # fmt: skip
