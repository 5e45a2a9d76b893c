-- Keys, secrets, erasable content and artifacts. Every `sealed` and `wrapped` column is a
-- ciphertext; the form is in the vault's crypto module.

CREATE TABLE data_keys (
    org_id        BLOB NOT NULL REFERENCES organisations (org_id),
    version       INTEGER NOT NULL,
    master_key_id TEXT NOT NULL,
    wrapped       BLOB NOT NULL,
    created_at_us INTEGER NOT NULL,
    PRIMARY KEY (org_id, version)
) WITHOUT ROWID;

-- What content belongs to. An erased subject keeps its row and has no key any more.
CREATE TABLE subjects (
    org_id           BLOB NOT NULL REFERENCES organisations (org_id),
    id               BLOB NOT NULL,
    key_id           BLOB,
    data_key_version INTEGER,
    wrapped          BLOB,
    created_at_us    INTEGER NOT NULL,
    erased_at_us     INTEGER,
    PRIMARY KEY (org_id, id),
    FOREIGN KEY (org_id, data_key_version) REFERENCES data_keys (org_id, version)
) WITHOUT ROWID;
CREATE INDEX subjects_by_data_key ON subjects (org_id, data_key_version);

-- `sealed` or `blob` holds the bytes, until they are erased; then neither.
CREATE TABLE content (
    org_id        BLOB NOT NULL,
    digest        BLOB NOT NULL,
    subject_id    BLOB NOT NULL,
    media         TEXT NOT NULL,
    size_bytes    INTEGER NOT NULL,
    sealed        BLOB,
    blob          TEXT,
    created_at_us INTEGER NOT NULL,
    PRIMARY KEY (org_id, digest),
    FOREIGN KEY (org_id, subject_id) REFERENCES subjects (org_id, id)
);
CREATE INDEX content_by_subject ON content (org_id, subject_id);
CREATE UNIQUE INDEX content_by_blob ON content (org_id, blob) WHERE blob IS NOT NULL;

CREATE TABLE secrets (
    org_id        BLOB NOT NULL REFERENCES organisations (org_id),
    id            BLOB NOT NULL,
    name          TEXT NOT NULL,
    version       INTEGER NOT NULL,
    created_at_us INTEGER NOT NULL,
    updated_at_us INTEGER NOT NULL,
    PRIMARY KEY (org_id, id),
    UNIQUE (org_id, name)
) WITHOUT ROWID;

CREATE TABLE secret_versions (
    org_id           BLOB NOT NULL,
    secret_id        BLOB NOT NULL,
    version          INTEGER NOT NULL,
    data_key_version INTEGER NOT NULL,
    sealed           BLOB NOT NULL,
    created_at_us    INTEGER NOT NULL,
    PRIMARY KEY (org_id, secret_id, version),
    FOREIGN KEY (org_id, secret_id) REFERENCES secrets (org_id, id),
    FOREIGN KEY (org_id, data_key_version) REFERENCES data_keys (org_id, version)
) WITHOUT ROWID;
CREATE INDEX secret_versions_by_data_key ON secret_versions (org_id, data_key_version);

-- `kind` is `agent` or `tool`; `grantee` is the agent's id or the tool's name.
CREATE TABLE secret_grants (
    org_id    BLOB NOT NULL,
    secret_id BLOB NOT NULL,
    kind      TEXT NOT NULL,
    grantee   TEXT NOT NULL,
    PRIMARY KEY (org_id, secret_id, kind, grantee),
    FOREIGN KEY (org_id, secret_id) REFERENCES secrets (org_id, id)
) WITHOUT ROWID;

CREATE TABLE artifacts (
    org_id        BLOB NOT NULL REFERENCES organisations (org_id),
    id            BLOB NOT NULL,
    name          TEXT NOT NULL,
    digest        BLOB NOT NULL,
    session_id    BLOB,
    run_id        BLOB,
    created_at_us INTEGER NOT NULL,
    PRIMARY KEY (org_id, id),
    FOREIGN KEY (org_id, digest) REFERENCES content (org_id, digest)
) WITHOUT ROWID;
CREATE INDEX artifacts_by_session ON artifacts (org_id, session_id, id) WHERE session_id IS NOT NULL;
CREATE INDEX artifacts_by_run ON artifacts (org_id, run_id, id) WHERE run_id IS NOT NULL;
CREATE INDEX artifacts_by_content ON artifacts (org_id, digest);

CREATE TABLE sealed_values (
    org_id           BLOB NOT NULL REFERENCES organisations (org_id),
    name             TEXT NOT NULL,
    version          INTEGER NOT NULL,
    data_key_version INTEGER NOT NULL,
    sealed           BLOB NOT NULL,
    created_at_us    INTEGER NOT NULL,
    PRIMARY KEY (org_id, name, version),
    FOREIGN KEY (org_id, data_key_version) REFERENCES data_keys (org_id, version)
) WITHOUT ROWID;
CREATE INDEX sealed_values_by_data_key ON sealed_values (org_id, data_key_version);

-- What the installation keeps for itself, under the master key.
CREATE TABLE installation_values (
    name          TEXT NOT NULL,
    version       INTEGER NOT NULL,
    master_key_id TEXT NOT NULL,
    sealed        BLOB NOT NULL,
    created_at_us INTEGER NOT NULL,
    PRIMARY KEY (name, version)
) WITHOUT ROWID;
