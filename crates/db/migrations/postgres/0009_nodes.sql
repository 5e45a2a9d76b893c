-- Nodes: where code that is not ours runs. A node belongs to one organisation, or, without one, to
-- the installation and serves all of them.
CREATE TABLE nodes (
    id               uuid PRIMARY KEY,
    org_id           uuid REFERENCES organisations (org_id),
    name             text NOT NULL,
    credential       bytea NOT NULL UNIQUE,
    status           text NOT NULL,
    lease_epoch      bigint NOT NULL,
    spool            text,
    version          text,
    slots            bigint,
    enforcement      text,
    created_at_us    bigint NOT NULL,
    connected_at_us  bigint,
    last_seen_at_us  bigint,
    revoked_at_us    bigint
);
CREATE UNIQUE INDEX nodes_by_name ON nodes (org_id, name)
    WHERE org_id IS NOT NULL AND revoked_at_us IS NULL;
CREATE UNIQUE INDEX nodes_shared ON nodes (name) WHERE org_id IS NULL AND revoked_at_us IS NULL;

-- Which node holds the files of a workspace: written when the first job goes there.
CREATE TABLE workspace_nodes (
    org_id       uuid NOT NULL REFERENCES organisations (org_id),
    workspace    text NOT NULL,
    node_id      uuid NOT NULL REFERENCES nodes (id),
    pinned_at_us bigint NOT NULL,
    PRIMARY KEY (org_id, workspace)
);
CREATE INDEX workspace_nodes_by_node ON workspace_nodes (node_id);

-- Jobs that were sent and not acknowledged: whose a result is, whatever the node says.
CREATE TABLE node_jobs (
    org_id     uuid NOT NULL REFERENCES organisations (org_id),
    id         uuid NOT NULL UNIQUE,
    node_id    uuid NOT NULL REFERENCES nodes (id),
    run_id     uuid NOT NULL,
    step       bigint NOT NULL,
    epoch      bigint NOT NULL,
    spool      text NOT NULL,
    timeout_ms bigint NOT NULL,
    skill      bytea,
    sent_at_us bigint NOT NULL,
    PRIMARY KEY (org_id, id)
);
CREATE INDEX node_jobs_by_skill ON node_jobs (node_id, skill) WHERE skill IS NOT NULL;
CREATE INDEX node_jobs_by_age ON node_jobs (sent_at_us);

SELECT chancery_protect('nodes', 'SELECT, INSERT, UPDATE', 'SELECT, INSERT, UPDATE');
-- The installation's own node is everybody's to see, and nobody's to change.
CREATE POLICY shared ON nodes FOR SELECT TO chancery_member USING (org_id IS NULL);
SELECT chancery_protect('workspace_nodes', 'SELECT, DELETE', 'SELECT, INSERT, DELETE');
SELECT chancery_protect('node_jobs', 'SELECT, DELETE', 'SELECT, INSERT, DELETE');
