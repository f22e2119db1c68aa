"""Photographs and noisy sets: from image files to memory-mapped arrays."""
