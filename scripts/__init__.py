"""Stdlib-only scripts behind run.py."""
