-- Nodes: where code that is not ours runs. A node belongs to one organisation, or, without one, to
-- the installation and serves all of them.
CREATE TABLE nodes (
    id               BLOB PRIMARY KEY,
    org_id           BLOB REFERENCES organisations (org_id),
    name             TEXT NOT NULL,
    credential       BLOB NOT NULL UNIQUE,
    status           TEXT NOT NULL,
    lease_epoch      INTEGER NOT NULL,
    spool            TEXT,
    version          TEXT,
    slots            INTEGER,
    enforcement      TEXT,
    created_at_us    INTEGER NOT NULL,
    connected_at_us  INTEGER,
    last_seen_at_us  INTEGER,
    revoked_at_us    INTEGER
);
CREATE UNIQUE INDEX nodes_by_name ON nodes (org_id, name)
    WHERE org_id IS NOT NULL AND revoked_at_us IS NULL;
CREATE UNIQUE INDEX nodes_shared ON nodes (name) WHERE org_id IS NULL AND revoked_at_us IS NULL;

-- Which node holds the files of a workspace: written when the first job goes there.
CREATE TABLE workspace_nodes (
    org_id       BLOB NOT NULL REFERENCES organisations (org_id),
    workspace    TEXT NOT NULL,
    node_id      BLOB NOT NULL REFERENCES nodes (id),
    pinned_at_us INTEGER NOT NULL,
    PRIMARY KEY (org_id, workspace)
);
CREATE INDEX workspace_nodes_by_node ON workspace_nodes (node_id);

-- Jobs that were sent and not acknowledged: whose a result is, whatever the node says.
CREATE TABLE node_jobs (
    org_id     BLOB NOT NULL REFERENCES organisations (org_id),
    id         BLOB NOT NULL UNIQUE,
    node_id    BLOB NOT NULL REFERENCES nodes (id),
    run_id     BLOB NOT NULL,
    step       INTEGER NOT NULL,
    epoch      INTEGER NOT NULL,
    spool      TEXT NOT NULL,
    timeout_ms INTEGER NOT NULL,
    skill      BLOB,
    sent_at_us INTEGER NOT NULL,
    PRIMARY KEY (org_id, id)
);
CREATE INDEX node_jobs_by_skill ON node_jobs (node_id, skill) WHERE skill IS NOT NULL;
CREATE INDEX node_jobs_by_age ON node_jobs (sent_at_us);
