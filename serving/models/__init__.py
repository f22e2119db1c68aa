"""``ftn models``: versions in the registry."""
