"""Photographs in: found, fetched, decoded, split and packed."""
