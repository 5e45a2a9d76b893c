-- The plan that the operator gave an organisation; without a row it has the default. The organisation
-- itself may only read it.
CREATE TABLE org_plans (
    org_id        uuid PRIMARY KEY REFERENCES organisations (org_id),
    plan          text NOT NULL,
    updated_at_us bigint NOT NULL
);
SELECT chancery_protect('org_plans', 'SELECT', 'SELECT, INSERT, UPDATE, DELETE');

-- The limits that an organisation set itself for what its agents do with tools, as JSON.
CREATE TABLE tool_limits (
    org_id        uuid PRIMARY KEY REFERENCES organisations (org_id),
    limits        text NOT NULL,
    updated_at_us bigint NOT NULL
);
SELECT chancery_protect('tool_limits', 'SELECT, INSERT, UPDATE');

-- What an organisation with limits has used of them, as JSON. Whoever changes it names the version that
-- was read, so that no two processes count from the same one.
CREATE TABLE tool_use (
    org_id  uuid PRIMARY KEY REFERENCES organisations (org_id),
    version bigint NOT NULL,
    used    text NOT NULL
);
SELECT chancery_protect('tool_use', 'SELECT', 'SELECT, INSERT, UPDATE');
