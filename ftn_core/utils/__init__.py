"""Errors, progress, memory and the like: nothing here can change what a stage writes."""
