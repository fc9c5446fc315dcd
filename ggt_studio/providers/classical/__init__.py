"""The offline classical restoration: no weights, no network, on the CPU. Runs in the worker process only."""

from ggt_studio.providers.classical.dispatch import restore, restore_file

__all__ = ["restore", "restore_file"]
