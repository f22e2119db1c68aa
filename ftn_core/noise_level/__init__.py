"""Estimates the noise level of a picture from the picture alone."""
