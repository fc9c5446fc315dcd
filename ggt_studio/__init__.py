"""GGT Studio: make, check and review generative ground truth for real-world image restoration."""

__version__ = "0.1.0"
