-- The plan that the operator gave an organisation; without a row it has the default.
CREATE TABLE org_plans (
    org_id        BLOB PRIMARY KEY REFERENCES organisations (org_id),
    plan          TEXT NOT NULL,
    updated_at_us INTEGER NOT NULL
);

-- The limits that an organisation set itself for what its agents do with tools, as JSON.
CREATE TABLE tool_limits (
    org_id        BLOB PRIMARY KEY REFERENCES organisations (org_id),
    limits        TEXT NOT NULL,
    updated_at_us INTEGER NOT NULL
);

-- What an organisation with limits has used of them, as JSON. Whoever changes it names the version that
-- was read, so that no two processes count from the same one.
CREATE TABLE tool_use (
    org_id  BLOB PRIMARY KEY REFERENCES organisations (org_id),
    version INTEGER NOT NULL,
    used    TEXT NOT NULL
);
