"""``ftn serve`` and ``POST /restore``: a picture file in, the restored one out."""
