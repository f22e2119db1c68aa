"""Packed images, subsets of them, and what a network is trained for."""
