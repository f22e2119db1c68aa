"""Evenly spaced subsets of many images."""


def evenly_spaced(count: int, limit: int | None) -> list[int]:
    """At most ``limit`` indices from 0 to ``count - 1``, evenly spaced, from the first to the last; None: all."""
    if limit is None or limit >= count:
        return list(range(count))
    return sorted({round(i * (count - 1) / max(limit - 1, 1)) for i in range(limit)})
