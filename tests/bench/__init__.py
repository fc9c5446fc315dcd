"""Ratios measured in one run: `python -m bench` in the tests folder."""
