"""``ftn denoise``: restore files of pictures."""
