"""Finds, downloads, decodes, splits and packs photographs."""
