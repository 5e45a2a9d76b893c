-- Keys, secrets, erasable content and artifacts. Every `sealed` and `wrapped` column is a
-- ciphertext; the form is in the vault's crypto module.

CREATE TABLE data_keys (
    org_id        uuid NOT NULL REFERENCES organisations (org_id),
    version       bigint NOT NULL,
    master_key_id text NOT NULL,
    wrapped       bytea NOT NULL,
    created_at_us bigint NOT NULL,
    PRIMARY KEY (org_id, version)
);
SELECT chancery_protect('data_keys', 'SELECT, INSERT, DELETE', 'SELECT, UPDATE');

-- What content belongs to. An erased subject keeps its row and has no key any more.
CREATE TABLE subjects (
    org_id           uuid NOT NULL REFERENCES organisations (org_id),
    id               uuid NOT NULL,
    key_id           bytea,
    data_key_version bigint,
    wrapped          bytea,
    created_at_us    bigint NOT NULL,
    erased_at_us     bigint,
    PRIMARY KEY (org_id, id),
    FOREIGN KEY (org_id, data_key_version) REFERENCES data_keys (org_id, version)
);
CREATE INDEX subjects_by_data_key ON subjects (org_id, data_key_version);
SELECT chancery_protect('subjects', 'SELECT, INSERT, UPDATE');

-- `sealed` or `blob` holds the bytes, until they are erased; then neither.
CREATE TABLE content (
    org_id        uuid NOT NULL,
    digest        bytea NOT NULL,
    subject_id    uuid NOT NULL,
    media         text NOT NULL,
    size_bytes    bigint NOT NULL,
    sealed        bytea,
    blob          text,
    created_at_us bigint NOT NULL,
    PRIMARY KEY (org_id, digest),
    FOREIGN KEY (org_id, subject_id) REFERENCES subjects (org_id, id)
);
CREATE INDEX content_by_subject ON content (org_id, subject_id);
CREATE UNIQUE INDEX content_by_blob ON content (org_id, blob) WHERE blob IS NOT NULL;
SELECT chancery_protect('content', 'SELECT, INSERT, UPDATE');

CREATE TABLE secrets (
    org_id        uuid NOT NULL REFERENCES organisations (org_id),
    id            uuid NOT NULL,
    name          text NOT NULL,
    version       bigint NOT NULL,
    created_at_us bigint NOT NULL,
    updated_at_us bigint NOT NULL,
    PRIMARY KEY (org_id, id),
    UNIQUE (org_id, name)
);
SELECT chancery_protect('secrets', 'SELECT, INSERT, UPDATE, DELETE');

CREATE TABLE secret_versions (
    org_id           uuid NOT NULL,
    secret_id        uuid NOT NULL,
    version          bigint NOT NULL,
    data_key_version bigint NOT NULL,
    sealed           bytea NOT NULL,
    created_at_us    bigint NOT NULL,
    PRIMARY KEY (org_id, secret_id, version),
    FOREIGN KEY (org_id, secret_id) REFERENCES secrets (org_id, id),
    FOREIGN KEY (org_id, data_key_version) REFERENCES data_keys (org_id, version)
);
CREATE INDEX secret_versions_by_data_key ON secret_versions (org_id, data_key_version);
SELECT chancery_protect('secret_versions', 'SELECT, INSERT, UPDATE, DELETE');

-- `kind` is `agent` or `tool`; `grantee` is the agent's id or the tool's name.
CREATE TABLE secret_grants (
    org_id    uuid NOT NULL,
    secret_id uuid NOT NULL,
    kind      text NOT NULL,
    grantee   text NOT NULL,
    PRIMARY KEY (org_id, secret_id, kind, grantee),
    FOREIGN KEY (org_id, secret_id) REFERENCES secrets (org_id, id)
);
SELECT chancery_protect('secret_grants', 'SELECT, INSERT, DELETE');

CREATE TABLE artifacts (
    org_id        uuid NOT NULL REFERENCES organisations (org_id),
    id            uuid NOT NULL,
    name          text NOT NULL,
    digest        bytea NOT NULL,
    session_id    uuid,
    run_id        uuid,
    created_at_us bigint NOT NULL,
    PRIMARY KEY (org_id, id),
    FOREIGN KEY (org_id, digest) REFERENCES content (org_id, digest)
);
CREATE INDEX artifacts_by_session ON artifacts (org_id, session_id, id) WHERE session_id IS NOT NULL;
CREATE INDEX artifacts_by_run ON artifacts (org_id, run_id, id) WHERE run_id IS NOT NULL;
CREATE INDEX artifacts_by_content ON artifacts (org_id, digest);
SELECT chancery_protect('artifacts', 'SELECT, INSERT, DELETE');

CREATE TABLE sealed_values (
    org_id           uuid NOT NULL REFERENCES organisations (org_id),
    name             text NOT NULL,
    version          bigint NOT NULL,
    data_key_version bigint NOT NULL,
    sealed           bytea NOT NULL,
    created_at_us    bigint NOT NULL,
    PRIMARY KEY (org_id, name, version),
    FOREIGN KEY (org_id, data_key_version) REFERENCES data_keys (org_id, version)
);
CREATE INDEX sealed_values_by_data_key ON sealed_values (org_id, data_key_version);
SELECT chancery_protect('sealed_values', 'SELECT, INSERT, UPDATE, DELETE');

-- What the installation keeps for itself, under the master key.
CREATE TABLE installation_values (
    name          text NOT NULL,
    version       bigint NOT NULL,
    master_key_id text NOT NULL,
    sealed        bytea NOT NULL,
    created_at_us bigint NOT NULL,
    PRIMARY KEY (name, version)
);
GRANT SELECT, INSERT, UPDATE, DELETE ON installation_values TO chancery_system;
