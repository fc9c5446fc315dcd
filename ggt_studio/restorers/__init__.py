"""Restorers: networks that map LQ to HQ, loaded from untrusted checkpoints and run over photos of any size in the worker."""
