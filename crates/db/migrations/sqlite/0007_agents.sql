-- Agents: the row as it is now, and every version that there ever was. Versions outlive their
-- agent, so that an old run can be read.
CREATE TABLE agents (
    org_id        BLOB NOT NULL REFERENCES organisations (org_id),
    id            BLOB NOT NULL,
    name          TEXT NOT NULL,
    state         TEXT NOT NULL,
    version       INTEGER NOT NULL,
    definition    TEXT NOT NULL,
    created_at_us INTEGER NOT NULL,
    updated_at_us INTEGER NOT NULL,
    PRIMARY KEY (org_id, id),
    UNIQUE (org_id, name)
);
CREATE TABLE agent_versions (
    org_id        BLOB NOT NULL REFERENCES organisations (org_id),
    agent_id      BLOB NOT NULL,
    version       INTEGER NOT NULL,
    definition    TEXT NOT NULL,
    changed_by    TEXT NOT NULL,
    created_at_us INTEGER NOT NULL,
    PRIMARY KEY (org_id, agent_id, version)
);

-- Skills by name, and the packages that were published under it. A package is a sealed content.
CREATE TABLE skills (
    org_id        BLOB NOT NULL REFERENCES organisations (org_id),
    id            BLOB NOT NULL,
    name          TEXT NOT NULL,
    version       INTEGER NOT NULL,
    created_at_us INTEGER NOT NULL,
    updated_at_us INTEGER NOT NULL,
    PRIMARY KEY (org_id, id),
    UNIQUE (org_id, name)
);
CREATE TABLE skill_versions (
    org_id        BLOB NOT NULL,
    skill_id      BLOB NOT NULL,
    version       INTEGER NOT NULL,
    digest        BLOB NOT NULL,
    manifest      TEXT NOT NULL,
    package       BLOB NOT NULL,
    size_bytes    INTEGER NOT NULL,
    published_by  TEXT NOT NULL,
    created_at_us INTEGER NOT NULL,
    PRIMARY KEY (org_id, skill_id, version),
    FOREIGN KEY (org_id, skill_id) REFERENCES skills (org_id, id) ON DELETE CASCADE
);
CREATE INDEX skill_versions_by_digest ON skill_versions (org_id, digest);
