"""Statements about many rows at once, which go in as one JSON text.

SQLite then does them all in one step, outside the interpreter's lock: where other threads are busy, getting that lock back
after each row would take longer than the row.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence

from ggt_studio.store.project import Project


def values(count: int) -> str:
    """The SQL of the first `count` values of a row of `FROM json_each(?)`."""
    return ", ".join(f"value ->> {n}" for n in range(count))


def execute(project: Project, statement: str, rows: Sequence[object], *further: object) -> sqlite3.Cursor:
    """Execute a statement whose first parameter is the argument of `json_each`: the rows."""
    return project.db.execute(statement, (json.dumps(rows), *further))
