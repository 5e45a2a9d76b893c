-- Runs: a row each, beside the journal in `events`.
--
-- `wake_at_us` says when a worker should look at it next; without one it is parked or over. While a
-- worker holds a run, it is the end of the lease, so a worker that dies is followed by another.
CREATE TABLE runs (
    org_id           BLOB NOT NULL REFERENCES organisations (org_id),
    id               BLOB NOT NULL,
    kind             TEXT NOT NULL,
    state            TEXT NOT NULL,
    detail           TEXT NOT NULL,
    actor            TEXT NOT NULL,
    role             TEXT NOT NULL,
    workspace        TEXT NOT NULL,
    session_id       BLOB,
    agent_id         BLOB,
    parent_id        BLOB,
    parent_step      INTEGER,
    depth            INTEGER NOT NULL,
    input            BLOB NOT NULL,
    answer           BLOB,
    entries          INTEGER NOT NULL,
    epoch            INTEGER NOT NULL,
    holder           TEXT,
    wake_at_us       INTEGER,
    pokes            INTEGER NOT NULL,
    cancel_requested INTEGER NOT NULL,
    created_at_us    INTEGER NOT NULL,
    started_at_us    INTEGER,
    ended_at_us      INTEGER,
    PRIMARY KEY (org_id, id)
);
CREATE INDEX runs_due ON runs (org_id, wake_at_us) WHERE wake_at_us IS NOT NULL;
CREATE INDEX runs_by_session ON runs (org_id, session_id, id) WHERE session_id IS NOT NULL;
CREATE INDEX runs_by_parent ON runs (org_id, parent_id) WHERE parent_id IS NOT NULL;

-- What a person said about an outcome that nobody knows.
CREATE TABLE run_resolutions (
    org_id        BLOB NOT NULL,
    run_id        BLOB NOT NULL,
    step          INTEGER NOT NULL,
    decision      TEXT NOT NULL,
    decided_by    TEXT NOT NULL,
    created_at_us INTEGER NOT NULL,
    PRIMARY KEY (org_id, run_id, step),
    FOREIGN KEY (org_id, run_id) REFERENCES runs (org_id, id)
);

-- Signals that were sent to a run and that it has not taken yet.
CREATE TABLE run_signals (
    place         INTEGER PRIMARY KEY AUTOINCREMENT,
    org_id        BLOB NOT NULL,
    run_id        BLOB NOT NULL,
    name          TEXT NOT NULL,
    body          BLOB NOT NULL,
    created_at_us INTEGER NOT NULL,
    FOREIGN KEY (org_id, run_id) REFERENCES runs (org_id, id)
);
CREATE INDEX run_signals_by_run ON run_signals (org_id, run_id, name, place);
