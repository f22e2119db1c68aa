"""Errors, progress, memory, threads and similar helpers. Nothing here can change the outputs of a stage."""
