"""Linsang: a kernel-fed endpoint sensor."""

__version__ = "0.1.0"
