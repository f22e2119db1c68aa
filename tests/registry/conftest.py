from registry_fixtures import client, empty_store, expected, weights  # noqa: F401
