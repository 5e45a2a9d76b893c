//! Logins and their tokens, and the one statement by which a request's token is looked up.

use db::{Row, StoreError, SystemRead, SystemWrite, params};
use vocab::{Digest, KeyId, LoginId, OrgId, Role, Timestamp, UserId};

use crate::model::{Login, Method};

/// The holder of an access token, with the role in the organisation that was asked for.
pub(crate) struct TokenHolder {
    pub login: LoginId,
    pub user: UserId,
    pub role: Option<Role>,
    pub expires_at: Timestamp,
}

const BY_ACCESS_TOKEN: &str =
    "SELECT l.id, l.user_id, CASE WHEN o.org_id IS NULL THEN NULL ELSE m.role END,
      t.expires_at_us
    FROM access_tokens t
    JOIN logins l ON l.id = t.login_id
    JOIN users u ON u.id = l.user_id
    LEFT JOIN memberships m
      ON m.org_id = $3 AND m.user_id = l.user_id AND m.suspended_at_us IS NULL
    LEFT JOIN organisations o ON o.org_id = m.org_id AND o.deleted_at_us IS NULL
    WHERE t.digest = $1 AND t.expires_at_us > $2
      AND l.ended_at_us IS NULL AND u.suspended_at_us IS NULL";

pub(crate) async fn by_access_token(
    tx: &mut SystemRead,
    digest: Digest,
    org: Option<OrgId>,
    now: Timestamp,
) -> Result<Option<TokenHolder>, StoreError> {
    let row = tx
        .optional(BY_ACCESS_TOKEN, &params![digest, now, org])
        .await?;
    row.map(|row| {
        let role = match row.get::<Option<String>>(2)? {
            Some(_) => Some(super::role(&row, 2)?),
            None => None,
        };
        Ok(TokenHolder {
            login: row.get(0)?,
            user: row.get(1)?,
            role,
            expires_at: row.get(3)?,
        })
    })
    .transpose()
}

/// An API key, with what its holder may do now.
pub(crate) struct KeyHolder {
    pub org: OrgId,
    pub key: KeyId,
    pub user: UserId,
    pub role: Role,
    pub used_at: Option<Timestamp>,
    pub expires_at: Option<Timestamp>,
}

const BY_KEY: &str =
    "SELECT k.org_id, k.id, k.user_id, k.role, m.role, k.used_at_us, k.expires_at_us
    FROM api_keys k
    JOIN memberships m
      ON m.org_id = k.org_id AND m.user_id = k.user_id AND m.suspended_at_us IS NULL
    JOIN organisations o ON o.org_id = k.org_id AND o.deleted_at_us IS NULL
    JOIN users u ON u.id = k.user_id AND u.suspended_at_us IS NULL
    WHERE k.digest = $1 AND (k.expires_at_us IS NULL OR k.expires_at_us > $2)";

pub(crate) async fn by_key(
    tx: &mut SystemRead,
    digest: Digest,
    now: Timestamp,
) -> Result<Option<KeyHolder>, StoreError> {
    let row = tx.optional(BY_KEY, &params![digest, now]).await?;
    row.map(|row| {
        // Never more than the member may do now, whatever it was when the key was made.
        let role = super::role(&row, 3)?.min(super::role(&row, 4)?);
        Ok(KeyHolder {
            org: row.get(0)?,
            key: row.get(1)?,
            user: row.get(2)?,
            role,
            used_at: row.get(5)?,
            expires_at: row.get(6)?,
        })
    })
    .transpose()
}

pub(crate) async fn touch_key(
    tx: &mut SystemWrite,
    org: OrgId,
    key: KeyId,
    now: Timestamp,
) -> Result<(), StoreError> {
    let sql = "UPDATE api_keys SET used_at_us = $3 WHERE org_id = $1 AND id = $2";
    tx.execute(sql, &params![org, key, now]).await?;
    Ok(())
}

/// A login as it begins.
pub(crate) struct NewLogin<'a> {
    pub id: LoginId,
    pub user: UserId,
    pub method: Method,
    pub client: Option<&'a str>,
    pub now: Timestamp,
    pub expires_at: Timestamp,
}

pub(crate) async fn insert(tx: &mut SystemWrite, login: &NewLogin<'_>) -> Result<(), StoreError> {
    let sql =
        "INSERT INTO logins (id, user_id, method, client, created_at_us, used_at_us, expires_at_us)
        VALUES ($1, $2, $3, $4, $5, $5, $6)";
    let method = login.method.as_str();
    let NewLogin {
        id,
        user,
        client,
        now,
        expires_at,
        ..
    } = login;
    tx.execute(
        sql,
        &params![*id, *user, method, *client, *now, *expires_at],
    )
    .await?;
    Ok(())
}

pub(crate) async fn insert_access(
    tx: &mut SystemWrite,
    login: LoginId,
    digest: Digest,
    expires_at: Timestamp,
) -> Result<(), StoreError> {
    let sql = "INSERT INTO access_tokens (digest, login_id, expires_at_us) VALUES ($1, $2, $3)";
    tx.execute(sql, &params![digest, login, expires_at]).await?;
    Ok(())
}

pub(crate) async fn insert_refresh(
    tx: &mut SystemWrite,
    login: LoginId,
    digest: Digest,
    expires_at: Timestamp,
) -> Result<(), StoreError> {
    let sql = "INSERT INTO refresh_tokens (digest, login_id, expires_at_us) VALUES ($1, $2, $3)";
    tx.execute(sql, &params![digest, login, expires_at]).await?;
    Ok(())
}

/// Spends a refresh token, if it is unspent and its login goes on; answers the login.
pub(crate) async fn spend_refresh(
    tx: &mut SystemWrite,
    digest: Digest,
    now: Timestamp,
) -> Result<Option<(LoginId, UserId)>, StoreError> {
    let sql = "UPDATE refresh_tokens SET used_at_us = $2
        WHERE digest = $1 AND used_at_us IS NULL AND expires_at_us > $2
          AND EXISTS (SELECT 1 FROM logins l JOIN users u ON u.id = l.user_id
                      WHERE l.id = refresh_tokens.login_id
                        AND l.ended_at_us IS NULL AND u.suspended_at_us IS NULL)
        RETURNING login_id";
    let Some(row) = tx.optional(sql, &params![digest, now]).await? else {
        return Ok(None);
    };
    let login: LoginId = row.get(0)?;
    let sql = "UPDATE logins SET used_at_us = $2 WHERE id = $1 RETURNING user_id";
    let user = tx.one(sql, &params![login, now]).await?.get(0)?;
    Ok(Some((login, user)))
}

/// A refresh token that can't be spent: whose it was, and when it was spent.
pub(crate) async fn spent_refresh(
    tx: &mut SystemWrite,
    digest: Digest,
) -> Result<Option<(LoginId, UserId, Timestamp)>, StoreError> {
    let sql = "SELECT l.id, l.user_id, t.used_at_us
        FROM refresh_tokens t JOIN logins l ON l.id = t.login_id
        WHERE t.digest = $1 AND t.used_at_us IS NOT NULL AND l.ended_at_us IS NULL";
    let row = tx.optional(sql, &params![digest]).await?;
    row.map(|row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
        .transpose()
}

/// The login and person of a refresh token, in whatever state it is.
pub(crate) async fn by_refresh(
    tx: &mut SystemRead,
    digest: Digest,
) -> Result<Option<(LoginId, UserId)>, StoreError> {
    let sql = "SELECT l.id, l.user_id FROM refresh_tokens t JOIN logins l ON l.id = t.login_id
        WHERE t.digest = $1 AND l.ended_at_us IS NULL";
    let row = tx.optional(sql, &params![digest]).await?;
    row.map(|row| Ok((row.get(0)?, row.get(1)?))).transpose()
}

/// Ends one login of a person; answers whether it went on until now.
pub(crate) async fn end(
    tx: &mut SystemWrite,
    user: UserId,
    login: LoginId,
    by: &str,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let sql = "UPDATE logins SET ended_at_us = $3, ended_by = $4
        WHERE id = $1 AND user_id = $2 AND ended_at_us IS NULL";
    let ended = tx.execute(sql, &params![login, user, now, by]).await? == 1;
    tx.execute(
        "DELETE FROM access_tokens WHERE login_id = $1",
        &params![login],
    )
    .await?;
    Ok(ended)
}

/// Ends all logins of a person but one; answers which.
pub(crate) async fn end_others(
    tx: &mut SystemWrite,
    user: UserId,
    but: Option<LoginId>,
    by: &str,
    now: Timestamp,
) -> Result<Vec<LoginId>, StoreError> {
    let sql = "UPDATE logins SET ended_at_us = $2, ended_by = $3
        WHERE user_id = $1 AND ended_at_us IS NULL AND ($4 IS NULL OR id <> $4) RETURNING id";
    let sql = db::Sql::Each {
        sqlite: sql,
        postgres: "UPDATE logins SET ended_at_us = $2, ended_by = $3
            WHERE user_id = $1 AND ended_at_us IS NULL AND ($4::uuid IS NULL OR id <> $4) RETURNING id",
    };
    tx.all(sql, &params![user, now, by, but])
        .await?
        .iter()
        .map(|row| row.get(0))
        .collect()
}

fn login(row: &Row) -> Result<Login, StoreError> {
    Ok(Login {
        id: row.get(0)?,
        method: row.get(1)?,
        client: row.get(2)?,
        created_at: row.get(3)?,
        used_at: row.get(4)?,
    })
}

/// The logins of a person that go on, the newest first.
pub(crate) async fn list(
    tx: &mut SystemRead,
    user: UserId,
    before: Option<LoginId>,
    fetch: u32,
    now: Timestamp,
) -> Result<Vec<Login>, StoreError> {
    let sql = db::Sql::Each {
        sqlite: "SELECT id, method, client, created_at_us, used_at_us FROM logins
            WHERE user_id = $1 AND ended_at_us IS NULL AND expires_at_us > $2
              AND ($3 IS NULL OR id < $3) ORDER BY id DESC LIMIT $4",
        postgres: "SELECT id, method, client, created_at_us, used_at_us FROM logins
            WHERE user_id = $1 AND ended_at_us IS NULL AND expires_at_us > $2
              AND ($3::uuid IS NULL OR id < $3) ORDER BY id DESC LIMIT $4",
    };
    tx.all(sql, &params![user, now, before, fetch])
        .await?
        .iter()
        .map(login)
        .collect()
}

/// Puts off the end of a login.
pub(crate) async fn extend(
    tx: &mut SystemWrite,
    login: LoginId,
    expires_at: Timestamp,
) -> Result<(), StoreError> {
    tx.execute(
        "UPDATE logins SET expires_at_us = $2 WHERE id = $1",
        &params![login, expires_at],
    )
    .await?;
    Ok(())
}

/// Deletes what has expired so long ago that nobody asks for it; answers how many rows.
pub(crate) async fn sweep(
    tx: &mut SystemWrite,
    now: Timestamp,
    kept_since: Timestamp,
) -> Result<u64, StoreError> {
    let mut swept = 0;
    for (sql, until) in [
        ("DELETE FROM access_tokens WHERE expires_at_us <= $1", now),
        (
            "DELETE FROM refresh_tokens WHERE expires_at_us <= $1",
            kept_since,
        ),
        (
            "DELETE FROM one_time_tokens WHERE expires_at_us <= $1",
            kept_since,
        ),
        (
            "DELETE FROM device_codes WHERE expires_at_us <= $1",
            kept_since,
        ),
        ("DELETE FROM logins WHERE expires_at_us <= $1", kept_since),
    ] {
        swept += tx.execute(sql, &params![until]).await?;
    }
    Ok(swept)
}
