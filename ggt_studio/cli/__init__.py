"""The command line: the same verbs as the window, without Qt."""

try:
    from ggt_studio.cli.main import main
except KeyboardInterrupt:
    # Ctrl-C while the program is still loading: nothing was begun.
    raise SystemExit(130) from None

__all__ = ["main"]
