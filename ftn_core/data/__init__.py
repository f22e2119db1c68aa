"""Packed images, memory-mapped."""
