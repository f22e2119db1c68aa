"""``ftn restore``: restore files of pictures."""
