"""Levels, degradations and models in words, for people."""
