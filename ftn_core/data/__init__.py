"""Photographs and degraded sets: from image files to memory-mapped arrays."""
