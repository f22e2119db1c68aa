"""Descriptions of levels, degradations and models for people."""
