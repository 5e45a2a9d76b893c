-- People, how they sign in, and what they are in which organisation.

-- People belong to no organisation. What is personal about them stands here and nowhere else.
CREATE TABLE users (
    id              BLOB PRIMARY KEY,
    email           TEXT NOT NULL,
    name            TEXT NOT NULL,
    password_hash   TEXT,
    version         INTEGER NOT NULL DEFAULT 1,
    created_at_us   INTEGER NOT NULL,
    suspended_at_us INTEGER
);
CREATE UNIQUE INDEX users_by_email ON users (email);

-- A login is one device of one person: a family of refresh tokens.
CREATE TABLE logins (
    id            BLOB PRIMARY KEY,
    user_id       BLOB NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    method        TEXT NOT NULL,
    client        TEXT,
    created_at_us INTEGER NOT NULL,
    used_at_us    INTEGER NOT NULL,
    expires_at_us INTEGER NOT NULL,
    ended_at_us   INTEGER,
    ended_by      TEXT
);
CREATE INDEX logins_by_user ON logins (user_id, created_at_us);

-- Tokens are stored as the SHA-256 of their text.
CREATE TABLE access_tokens (
    digest        BLOB PRIMARY KEY,
    login_id      BLOB NOT NULL REFERENCES logins (id) ON DELETE CASCADE,
    expires_at_us INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX access_tokens_by_login ON access_tokens (login_id);
CREATE INDEX access_tokens_by_expiry ON access_tokens (expires_at_us);

CREATE TABLE refresh_tokens (
    digest        BLOB PRIMARY KEY,
    login_id      BLOB NOT NULL REFERENCES logins (id) ON DELETE CASCADE,
    expires_at_us INTEGER NOT NULL,
    used_at_us    INTEGER
) WITHOUT ROWID;
CREATE INDEX refresh_tokens_by_login ON refresh_tokens (login_id);
CREATE INDEX refresh_tokens_by_expiry ON refresh_tokens (expires_at_us);

-- A link that signs in, or one that sets a new password. Without a user it is a decoy: asking for
-- an address that nobody has must cost the same.
CREATE TABLE one_time_tokens (
    digest        BLOB PRIMARY KEY,
    purpose       TEXT NOT NULL,
    user_id       BLOB REFERENCES users (id) ON DELETE CASCADE,
    expires_at_us INTEGER NOT NULL,
    used_at_us    INTEGER
) WITHOUT ROWID;
CREATE INDEX one_time_tokens_by_expiry ON one_time_tokens (expires_at_us);

-- RFC 8628. `org_id` is the organisation that the person chose for the device.
CREATE TABLE device_codes (
    id            BLOB PRIMARY KEY,
    device_digest BLOB NOT NULL,
    user_digest   BLOB NOT NULL,
    client        TEXT,
    created_at_us INTEGER NOT NULL,
    expires_at_us INTEGER NOT NULL,
    interval_s    INTEGER NOT NULL,
    polled_at_us  INTEGER,
    decision      TEXT,
    user_id       BLOB REFERENCES users (id) ON DELETE CASCADE,
    org_id        BLOB,
    redeemed_at_us INTEGER
);
CREATE UNIQUE INDEX device_codes_by_device ON device_codes (device_digest);
CREATE UNIQUE INDEX device_codes_by_user ON device_codes (user_digest);
CREATE INDEX device_codes_by_expiry ON device_codes (expires_at_us);

CREATE TABLE memberships (
    org_id          BLOB NOT NULL REFERENCES organisations (org_id),
    user_id         BLOB NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    role            TEXT NOT NULL,
    version         INTEGER NOT NULL DEFAULT 1,
    created_at_us   INTEGER NOT NULL,
    suspended_at_us INTEGER,
    PRIMARY KEY (org_id, user_id)
) WITHOUT ROWID;
CREATE INDEX memberships_by_user ON memberships (user_id);

CREATE TABLE invitations (
    org_id        BLOB NOT NULL REFERENCES organisations (org_id),
    id            BLOB NOT NULL,
    email         TEXT NOT NULL,
    role          TEXT NOT NULL,
    digest        BLOB NOT NULL,
    invited_by    BLOB NOT NULL,
    created_at_us INTEGER NOT NULL,
    expires_at_us INTEGER NOT NULL,
    accepted_at_us INTEGER,
    revoked_at_us INTEGER,
    PRIMARY KEY (org_id, id)
) WITHOUT ROWID;
CREATE UNIQUE INDEX invitations_by_digest ON invitations (digest);

-- A key acts for the member who made it, and goes when the member goes.
CREATE TABLE api_keys (
    org_id          BLOB NOT NULL REFERENCES organisations (org_id),
    id              BLOB NOT NULL,
    user_id         BLOB NOT NULL,
    name            TEXT NOT NULL,
    role            TEXT NOT NULL,
    digest          BLOB NOT NULL,
    prefix          TEXT NOT NULL,
    created_at_us   INTEGER NOT NULL,
    expires_at_us   INTEGER,
    used_at_us      INTEGER,
    PRIMARY KEY (org_id, id),
    FOREIGN KEY (org_id, user_id) REFERENCES memberships (org_id, user_id) ON DELETE CASCADE
) WITHOUT ROWID;
CREATE UNIQUE INDEX api_keys_by_digest ON api_keys (digest);
CREATE INDEX api_keys_by_user ON api_keys (org_id, user_id);
