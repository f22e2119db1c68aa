"""``ftn restore``: restores picture files."""
