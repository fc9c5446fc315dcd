"""Measurements of photos and their targets: metrics, alignment, the offline judge. Runs in the worker."""
