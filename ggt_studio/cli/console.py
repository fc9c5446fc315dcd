"""How commands speak: one JSON document or plain lines on stdout, progress and errors on stderr, exit codes."""

from __future__ import annotations

import asyncio
import io
import json
import signal
import sys
import time
from collections.abc import Callable, Coroutine, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

import click
from click.core import ParameterSource
from tqdm import tqdm

from ggt_studio.cli.interrupts import INTERRUPTED, on_interrupt
from ggt_studio.core.errors import ProjectLocked, StudioError
from ggt_studio.core.files import is_about_the_disk, write_error
from ggt_studio.settings import write_report

DONE, FAILED, USAGE = 0, 1, 2
_MEANWHILE = "Meanwhile `status`, `list`, `show`, `aside`, `ledger`, `check` and `export` work as ever."
T = TypeVar("T")

json_option = click.option("--json", "as_json", is_flag=True, help="Print exactly one JSON document on stdout.")


def project_argument(function: Callable[..., Any]) -> Callable[..., Any]:
    """The PROJECT argument."""
    return click.argument("project", type=click.Path(path_type=Path, file_okay=False))(function)


def refuse_options(context: click.Context, names: Iterable[str], why: str) -> None:
    """Raises UsageError for an option that was given and would do nothing."""
    for parameter in context.command.params:
        if parameter.name in names and context.get_parameter_source(parameter.name) is ParameterSource.COMMANDLINE:
            raise click.UsageError(f"{parameter.opts[0]} {why}.")


def say(as_json: bool, document: Any, lines: list[str]) -> None:
    """Print the document as JSON, or the lines for people."""
    if as_json:
        click.echo(json.dumps(document, ensure_ascii=False, indent=2))
    else:
        for line in lines:
            click.echo(line)


def note(message: str) -> None:
    """A line for people on stderr."""
    click.echo(message, err=True)


def counted(number: int, noun: str) -> str:
    """`1 patch`, `2 patches`."""
    plural = f"{noun}es" if noun.endswith(("ch", "s", "x")) else f"{noun}s"
    return f"{number:,} {noun if number == 1 else plural}"


def agreeing(number: int, one: str, many: str) -> str:
    """`1 was rejected`, `2 were rejected`: the words that go with a number."""
    return f"{number:,} {one if number == 1 else many}"


_TELL_EVERY_S = 10.0


class ProgressBar:
    """A bar on a terminal; elsewhere a line on stderr every ten seconds. Use as a context manager."""

    def __init__(self, doing: str, unit: str) -> None:
        self._doing, self._unit = doing, unit
        self._bar = tqdm(unit=unit, disable=None, desc=doing)
        self._told_at = time.monotonic()

    def __enter__(self) -> ProgressBar:
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.close()

    def show(self, done: int, total: int, **more: object) -> None:
        """Show how far it is."""
        self._bar.total = total
        if more:
            self._bar.set_postfix(more, refresh=False)
        self._bar.update(done - self._bar.n)
        if self._bar.disable:
            self._bar.n = done
            if time.monotonic() - self._told_at >= _TELL_EVERY_S:
                self._told_at = time.monotonic()
                note(f"{self._doing}: {done} of {counted(total, self._unit)}")


def run_async(main: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Run a coroutine; Ctrl-C cancels it, and it cleans up before CancelledError goes on."""

    async def cancellable() -> T:
        loop, task = asyncio.get_running_loop(), asyncio.current_task()
        assert task is not None
        with on_interrupt(lambda: loop.call_soon_threadsafe(task.cancel)):
            return await main()

    return asyncio.run(cancellable())


def guarded(command: click.Command) -> int:
    """Run a command line; returns the exit code. Errors are one clear line, never a traceback."""
    with on_interrupt(_interrupt):
        code = _answered(command)
    if code == INTERRUPTED:
        # All is cleaned up; nothing is left to interrupt.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    return code


def _answered(command: click.Command) -> int:
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    try:
        # A file name in any script, also one that is not valid Unicode, must not break a message about it.
        result = command.main(standalone_mode=False, prog_name="ggt-studio")
    except click.exceptions.Exit as error:
        return error.exit_code
    except click.UsageError as error:
        error.show()
        return USAGE
    except click.ClickException as error:
        note(f"ggt-studio: {error.format_message()}")
        return USAGE
    except (click.Abort, KeyboardInterrupt, asyncio.CancelledError):
        note("ggt-studio: interrupted. Everything recorded so far is kept; run the command again to go on.")
        return INTERRUPTED
    except ProjectLocked as error:
        note(f"ggt-studio: {error} {_MEANWHILE}")
        return FAILED
    except StudioError as error:
        note(f"ggt-studio: {error}")
        return FAILED
    except BrokenPipeError:
        with suppress(OSError):
            sys.stderr.close()
        return FAILED
    except OSError as error:
        if not is_about_the_disk(error):
            return _unexpected(error)
        note(f"ggt-studio: {write_error(error.filename or 'the output', error)}")
        return FAILED
    except Exception as error:  # noqa: BLE001 - the last place where a bug can be told in one line
        return _unexpected(error)
    return result if isinstance(result, int) else DONE


def _unexpected(error: Exception) -> int:
    note(f"ggt-studio: unexpected error: {type(error).__name__}: {error}. {write_report(error)}".replace("\n", " "))
    return FAILED


def _interrupt() -> None:
    raise KeyboardInterrupt
