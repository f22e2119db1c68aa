"""Timeouts of all requests to services."""

CONNECT_SECONDS, READ_SECONDS = 3, 4
"""How long to wait for a connection, and for an answer."""
