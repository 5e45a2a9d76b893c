-- Agents: the row as it is now, and every version that there ever was. Versions outlive their
-- agent, so that an old run can be read.
CREATE TABLE agents (
    org_id        uuid NOT NULL REFERENCES organisations (org_id),
    id            uuid NOT NULL,
    name          text NOT NULL,
    state         text NOT NULL,
    version       bigint NOT NULL,
    definition    text NOT NULL,
    created_at_us bigint NOT NULL,
    updated_at_us bigint NOT NULL,
    PRIMARY KEY (org_id, id),
    UNIQUE (org_id, name)
);
CREATE TABLE agent_versions (
    org_id        uuid NOT NULL REFERENCES organisations (org_id),
    agent_id      uuid NOT NULL,
    version       bigint NOT NULL,
    definition    text NOT NULL,
    changed_by    text NOT NULL,
    created_at_us bigint NOT NULL,
    PRIMARY KEY (org_id, agent_id, version)
);

-- Skills by name, and the packages that were published under it. A package is a sealed content.
CREATE TABLE skills (
    org_id        uuid NOT NULL REFERENCES organisations (org_id),
    id            uuid NOT NULL,
    name          text NOT NULL,
    version       bigint NOT NULL,
    created_at_us bigint NOT NULL,
    updated_at_us bigint NOT NULL,
    PRIMARY KEY (org_id, id),
    UNIQUE (org_id, name)
);
CREATE TABLE skill_versions (
    org_id        uuid NOT NULL,
    skill_id      uuid NOT NULL,
    version       bigint NOT NULL,
    digest        bytea NOT NULL,
    manifest      text NOT NULL,
    package       bytea NOT NULL,
    size_bytes    bigint NOT NULL,
    published_by  text NOT NULL,
    created_at_us bigint NOT NULL,
    PRIMARY KEY (org_id, skill_id, version),
    FOREIGN KEY (org_id, skill_id) REFERENCES skills (org_id, id) ON DELETE CASCADE
);
CREATE INDEX skill_versions_by_digest ON skill_versions (org_id, digest);
SELECT chancery_protect('agents', 'SELECT, INSERT, UPDATE, DELETE', NULL);
SELECT chancery_protect('agent_versions', 'SELECT, INSERT', NULL);
SELECT chancery_protect('skills', 'SELECT, INSERT, UPDATE, DELETE', NULL);
SELECT chancery_protect('skill_versions', 'SELECT, INSERT, DELETE', NULL);
