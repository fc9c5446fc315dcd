"""The schema of `project.ggt` as append-only migrations, one transaction each."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlite_utils import Database, Migrations

APPLICATION_ID = 0x67677431  # "ggt1"
SCHEMA_VERSION = 2

_V1 = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;

CREATE TABLE photo (
    id INTEGER PRIMARY KEY,
    path TEXT NOT NULL UNIQUE,
    sha256 TEXT NOT NULL UNIQUE,
    bytes INTEGER NOT NULL,
    mtime_ns INTEGER NOT NULL,
    perceptual_hash INTEGER NOT NULL,
    width INTEGER NOT NULL,
    height INTEGER NOT NULL,
    category TEXT NOT NULL,
    category_source TEXT NOT NULL,
    prepare TEXT NOT NULL,
    origin TEXT NOT NULL,
    licence TEXT NOT NULL,
    near_duplicate_of INTEGER REFERENCES photo (id),
    notes TEXT NOT NULL,
    imported_at TEXT NOT NULL,
    removed_at TEXT NOT NULL DEFAULT ''
);
CREATE INDEX photo_near ON photo (near_duplicate_of) WHERE near_duplicate_of IS NOT NULL;
CREATE INDEX photo_removed ON photo (id) WHERE removed_at != '';

CREATE TABLE duplicate (
    path TEXT PRIMARY KEY,
    photo_id INTEGER NOT NULL REFERENCES photo (id),
    bytes INTEGER NOT NULL,
    mtime_ns INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE quarantine (
    path TEXT PRIMARY KEY,
    reason TEXT NOT NULL,
    at TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE file (
    sha256 TEXT NOT NULL,
    folder TEXT NOT NULL,
    suffix TEXT NOT NULL,
    bytes INTEGER NOT NULL,
    PRIMARY KEY (sha256, folder)
) WITHOUT ROWID;

CREATE TABLE patch (
    id INTEGER PRIMARY KEY,
    photo_id INTEGER NOT NULL REFERENCES photo (id),
    sha256 TEXT NOT NULL,
    geometry TEXT NOT NULL,
    category TEXT NOT NULL,
    content REAL NOT NULL,
    quality REAL NOT NULL,
    level TEXT NOT NULL,
    hold TEXT NOT NULL DEFAULT '',
    hold_words TEXT NOT NULL DEFAULT '',
    hold_before TEXT NOT NULL DEFAULT '',
    state TEXT NOT NULL DEFAULT 'open',
    stage INTEGER NOT NULL DEFAULT 0,
    attempts INTEGER NOT NULL DEFAULT 0,
    decided_by TEXT NOT NULL DEFAULT '',
    hq_sha256 TEXT,
    lq_folder TEXT GENERATED ALWAYS AS ('patches') VIRTUAL,
    hq_folder TEXT GENERATED ALWAYS AS ('candidates') VIRTUAL,
    FOREIGN KEY (sha256, lq_folder) REFERENCES file (sha256, folder),
    FOREIGN KEY (hq_sha256, hq_folder) REFERENCES file (sha256, folder)
);
CREATE INDEX patch_photo ON patch (photo_id);
CREATE INDEX patch_state ON patch (state, id);
CREATE INDEX patch_state_category ON patch (state, category, id);
CREATE INDEX patch_category ON patch (category, id);
CREATE INDEX patch_hold ON patch (hold, id) WHERE hold != '';
CREATE INDEX patch_removed ON patch (id) WHERE hold = 'removed';
CREATE INDEX patch_runnable ON patch (id) WHERE state = 'open' AND hold = '';

CREATE TABLE tally (
    category TEXT NOT NULL,
    state TEXT NOT NULL,
    stage INTEGER NOT NULL,
    hold TEXT NOT NULL,
    level TEXT NOT NULL,
    n INTEGER NOT NULL,
    PRIMARY KEY (category, state, stage, hold, level)
) WITHOUT ROWID;

CREATE TABLE counter (name TEXT PRIMARY KEY, n INTEGER NOT NULL) WITHOUT ROWID;
INSERT INTO counter
    VALUES ('photos', 0), ('near_duplicates', 0), ('duplicates', 0), ('quarantined', 0), ('removed', 0), ('in_batches', 0);

CREATE TABLE recipe (hash TEXT PRIMARY KEY, json TEXT NOT NULL) WITHOUT ROWID;

CREATE TABLE run (
    id INTEGER PRIMARY KEY,
    recipe_hash TEXT NOT NULL REFERENCES recipe (hash),
    started_at TEXT NOT NULL,
    finished_at TEXT,
    ended TEXT
);

CREATE TABLE fact (
    id INTEGER PRIMARY KEY,
    patch_id INTEGER NOT NULL REFERENCES patch (id),
    run_id INTEGER REFERENCES run (id),
    at TEXT NOT NULL,
    kind TEXT NOT NULL,
    data TEXT NOT NULL
);
CREATE INDEX fact_patch ON fact (patch_id, id);
CREATE INDEX fact_review ON fact (id) WHERE kind = 'reviewed';

CREATE TABLE ledger (
    id INTEGER PRIMARY KEY,
    run_id INTEGER NOT NULL REFERENCES run (id),
    patch_id INTEGER NOT NULL REFERENCES patch (id),
    step TEXT NOT NULL,
    provider TEXT NOT NULL,
    attempt INTEGER NOT NULL,
    request_hash TEXT NOT NULL,
    paid INTEGER NOT NULL,
    estimated_usd REAL NOT NULL,
    quota TEXT NOT NULL,
    batch TEXT NOT NULL,
    started_at TEXT NOT NULL,
    finished_at TEXT,
    outcome TEXT,
    cost_usd REAL,
    cost_basis TEXT,
    input_tokens INTEGER,
    output_tokens INTEGER,
    image_tokens INTEGER,
    images INTEGER
);
CREATE INDEX ledger_patch ON ledger (patch_id);
CREATE INDEX ledger_unfinished ON ledger (id) WHERE finished_at IS NULL;
CREATE INDEX ledger_batch ON ledger (batch) WHERE batch != '';
CREATE UNIQUE INDEX ledger_in_batch ON ledger (patch_id) WHERE batch != '' AND finished_at IS NULL;

CREATE TABLE batch (
    name TEXT PRIMARY KEY,
    run_id INTEGER NOT NULL REFERENCES run (id),
    provider TEXT NOT NULL,
    stage TEXT NOT NULL,
    vendor_name TEXT NOT NULL DEFAULT '',
    message TEXT NOT NULL DEFAULT '',
    created_at TEXT NOT NULL,
    left_at TEXT,
    ended_at TEXT
) WITHOUT ROWID;
CREATE INDEX batch_open ON batch (name) WHERE ended_at IS NULL;

CREATE TABLE batch_item (
    batch TEXT NOT NULL REFERENCES batch (name),
    patch_id INTEGER NOT NULL REFERENCES patch (id),
    data TEXT NOT NULL,
    PRIMARY KEY (batch, patch_id)
) WITHOUT ROWID;

CREATE TABLE named_recipe (name TEXT PRIMARY KEY, choice TEXT NOT NULL, at TEXT NOT NULL) WITHOUT ROWID;

CREATE TABLE tryout (id INTEGER PRIMARY KEY, at TEXT NOT NULL, patches TEXT NOT NULL);

CREATE TABLE tryout_entry (
    run_id INTEGER PRIMARY KEY REFERENCES run (id),
    tryout_id INTEGER NOT NULL REFERENCES tryout (id),
    name TEXT NOT NULL,
    choice TEXT NOT NULL
);
CREATE INDEX tryout_entry_tryout ON tryout_entry (tryout_id, run_id);

CREATE TABLE tryout_fact (
    id INTEGER PRIMARY KEY,
    run_id INTEGER NOT NULL REFERENCES tryout_entry (run_id),
    patch_id INTEGER NOT NULL REFERENCES patch (id),
    at TEXT NOT NULL,
    kind TEXT NOT NULL,
    data TEXT NOT NULL
);
CREATE INDEX tryout_fact_run ON tryout_fact (run_id, patch_id, id);
CREATE INDEX tryout_fact_patch ON tryout_fact (patch_id, id);
"""


def _others(group: str) -> str:
    """SQL: 1 where `group` has a photo besides the one at hand that was not removed, else 0. Looked up by index."""
    return (
        "EXISTS (SELECT 1 FROM photo AS other WHERE other.removed_at = '' AND other.id != new.id AND"  # noqa: S608
        f" (other.near_duplicate_of = {group} OR (other.id = {group} AND other.near_duplicate_of IS NULL)))"
    )


_OLD_GROUP = "coalesce(old.near_duplicate_of, old.id)"
_NEW_GROUP = "coalesce(new.near_duplicate_of, new.id)"

_IN_BATCH = "EXISTS (SELECT 1 FROM ledger WHERE patch_id = new.id AND batch != '' AND finished_at IS NULL)"
_RUNNABLE = "EXISTS (SELECT 1 FROM patch WHERE id = new.patch_id AND state = 'open' AND hold = '')"

# `near_duplicates` counts the photos of each group of alike ones but one; removed photos count nowhere but in `removed`.
# `in_batches` counts the patches that would be runnable if they were not in a batch that has not ended.
_TRIGGERS = f"""
CREATE TRIGGER batched AFTER INSERT ON ledger WHEN new.batch != '' AND new.finished_at IS NULL BEGIN
    UPDATE counter SET n = n + {_RUNNABLE} WHERE name = 'in_batches';
END;
CREATE TRIGGER unbatched AFTER UPDATE OF finished_at ON ledger
WHEN new.batch != '' AND old.finished_at IS NULL AND new.finished_at IS NOT NULL BEGIN
    UPDATE counter SET n = n - {_RUNNABLE} WHERE name = 'in_batches';
END;
CREATE TRIGGER batched_changed AFTER UPDATE OF state, hold ON patch
WHEN (old.state = 'open' AND old.hold = '') != (new.state = 'open' AND new.hold = '') AND {_IN_BATCH} BEGIN
    UPDATE counter SET n = n + CASE WHEN new.state = 'open' AND new.hold = '' THEN 1 ELSE -1 END WHERE name = 'in_batches';
END;
CREATE TRIGGER patch_added AFTER INSERT ON patch BEGIN
    INSERT INTO tally VALUES (new.category, new.state, new.stage, new.hold, new.level, 1)
    ON CONFLICT DO UPDATE SET n = n + 1;
END;
CREATE TRIGGER patch_removed AFTER DELETE ON patch BEGIN
    UPDATE tally SET n = n - 1 WHERE category = old.category AND state = old.state AND stage = old.stage
        AND hold = old.hold AND level = old.level;
END;
CREATE TRIGGER patch_changed AFTER UPDATE OF category, state, stage, hold, level ON patch
WHEN (old.category, old.state, old.stage, old.hold, old.level)
    IS NOT (new.category, new.state, new.stage, new.hold, new.level) BEGIN
    UPDATE tally SET n = n - 1 WHERE category = old.category AND state = old.state AND stage = old.stage
        AND hold = old.hold AND level = old.level;
    INSERT INTO tally VALUES (new.category, new.state, new.stage, new.hold, new.level, 1)
    ON CONFLICT DO UPDATE SET n = n + 1;
END;
CREATE TRIGGER photo_added AFTER INSERT ON photo BEGIN
    UPDATE counter SET n = n + 1 WHERE name = 'photos';
    UPDATE counter SET n = n + {_others(_NEW_GROUP)} WHERE name = 'near_duplicates';
END;
CREATE TRIGGER photo_regrouped AFTER UPDATE OF near_duplicate_of ON photo WHEN new.removed_at = '' BEGIN
    UPDATE counter SET n = n + {_others(_NEW_GROUP)} - {_others(_OLD_GROUP)} WHERE name = 'near_duplicates';
END;
CREATE TRIGGER photo_removed AFTER UPDATE OF removed_at ON photo WHEN old.removed_at = '' AND new.removed_at != '' BEGIN
    UPDATE counter SET n = n - 1 WHERE name = 'photos';
    UPDATE counter SET n = n + 1 WHERE name = 'removed';
    UPDATE counter SET n = n - {_others(_NEW_GROUP)} WHERE name = 'near_duplicates';
END;
CREATE TRIGGER photo_put_back AFTER UPDATE OF removed_at ON photo WHEN old.removed_at != '' AND new.removed_at = '' BEGIN
    UPDATE counter SET n = n + 1 WHERE name = 'photos';
    UPDATE counter SET n = n - 1 WHERE name = 'removed';
    UPDATE counter SET n = n + {_others(_NEW_GROUP)} WHERE name = 'near_duplicates';
END;
CREATE TRIGGER duplicate_added AFTER INSERT ON duplicate BEGIN
    UPDATE counter SET n = n + 1 WHERE name = 'duplicates';
END;
CREATE TRIGGER duplicate_removed AFTER DELETE ON duplicate BEGIN
    UPDATE counter SET n = n - 1 WHERE name = 'duplicates';
END;
CREATE TRIGGER quarantine_added AFTER INSERT ON quarantine BEGIN
    UPDATE counter SET n = n + 1 WHERE name = 'quarantined';
END;
CREATE TRIGGER quarantine_removed AFTER DELETE ON quarantine BEGIN
    UPDATE counter SET n = n - 1 WHERE name = 'quarantined';
END;
CREATE TRIGGER fact_is_final BEFORE UPDATE ON fact BEGIN
    SELECT RAISE(ABORT, 'facts are appended and never changed');
END;
CREATE TRIGGER tryout_fact_is_final BEFORE UPDATE ON tryout_fact BEGIN
    SELECT RAISE(ABORT, 'facts are appended and never changed');
END;
"""  # noqa: S608 - our own words


def migrations() -> Migrations:
    """All migrations, oldest first. Imported late: sqlite-utils costs half a second that only a migration needs."""
    from sqlite_utils import Migrations

    steps = Migrations("ggt_studio")

    @steps(name="0001_first_schema")
    def first_schema(db: Database) -> None:
        for statement in _V1.split(";\n"):
            if statement.strip():
                db.execute(statement)
        for trigger in _TRIGGERS.split("END;\n"):
            if trigger.strip():
                db.execute(trigger + "END")

    @steps(name="0002_tasks")
    def tasks(db: Database) -> None:
        # What the provider calls a task that it took: its result can be fetched later.
        db.execute("ALTER TABLE ledger ADD COLUMN task TEXT NOT NULL DEFAULT ''")

    return steps
