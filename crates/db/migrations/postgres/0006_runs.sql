-- Runs: a row each, beside the journal in `events`.
--
-- `wake_at_us` says when a worker should look at it next; without one it is parked or over. While a
-- worker holds a run, it is the end of the lease, so a worker that dies is followed by another.
CREATE TABLE runs (
    org_id           uuid NOT NULL REFERENCES organisations (org_id),
    id               uuid NOT NULL,
    kind             text NOT NULL,
    state            text NOT NULL,
    detail           text NOT NULL,
    actor            text NOT NULL,
    role             text NOT NULL,
    workspace        text NOT NULL,
    session_id       uuid,
    agent_id         uuid,
    parent_id        uuid,
    parent_step      bigint,
    depth            bigint NOT NULL,
    input            bytea NOT NULL,
    answer           bytea,
    entries          bigint NOT NULL,
    epoch            bigint NOT NULL,
    holder           text,
    wake_at_us       bigint,
    pokes            bigint NOT NULL,
    cancel_requested boolean NOT NULL,
    created_at_us    bigint NOT NULL,
    started_at_us    bigint,
    ended_at_us      bigint,
    PRIMARY KEY (org_id, id)
);
CREATE INDEX runs_due ON runs (org_id, wake_at_us) WHERE wake_at_us IS NOT NULL;
CREATE INDEX runs_by_session ON runs (org_id, session_id, id) WHERE session_id IS NOT NULL;
CREATE INDEX runs_by_parent ON runs (org_id, parent_id) WHERE parent_id IS NOT NULL;

-- What a person said about an outcome that nobody knows.
CREATE TABLE run_resolutions (
    org_id        uuid NOT NULL,
    run_id        uuid NOT NULL,
    step          bigint NOT NULL,
    decision      text NOT NULL,
    decided_by    text NOT NULL,
    created_at_us bigint NOT NULL,
    PRIMARY KEY (org_id, run_id, step),
    FOREIGN KEY (org_id, run_id) REFERENCES runs (org_id, id)
);
SELECT chancery_protect('runs', 'SELECT, INSERT, UPDATE, DELETE', 'SELECT, UPDATE');
SELECT chancery_protect('run_resolutions', 'SELECT, INSERT, UPDATE, DELETE', NULL);

-- Signals that were sent to a run and that it has not taken yet.
CREATE TABLE run_signals (
    place         bigint GENERATED ALWAYS AS IDENTITY,
    org_id        uuid NOT NULL,
    run_id        uuid NOT NULL,
    name          text NOT NULL,
    body          bytea NOT NULL,
    created_at_us bigint NOT NULL,
    PRIMARY KEY (org_id, place),
    FOREIGN KEY (org_id, run_id) REFERENCES runs (org_id, id)
);
CREATE INDEX run_signals_by_run ON run_signals (org_id, run_id, name, place);
SELECT chancery_protect('run_signals', 'SELECT, INSERT, UPDATE, DELETE', NULL);
