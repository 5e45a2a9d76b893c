//! People.

use db::{Row, StoreError, SystemRead, SystemWrite, params};
use vocab::{Digest, Timestamp, UserId};

use crate::model::{Membership, Organisation, User};

const USER: &str = "SELECT id, email, name, created_at_us FROM users WHERE id = $1";
const BY_EMAIL: &str = "SELECT id, email, name, created_at_us, password_hash, suspended_at_us
    FROM users WHERE email = $1";
const MEMBERSHIPS: &str = "SELECT o.org_id, o.name, o.created_at_us, m.role
    FROM memberships m JOIN organisations o ON o.org_id = m.org_id
    WHERE m.user_id = $1 AND m.suspended_at_us IS NULL AND o.deleted_at_us IS NULL
    ORDER BY o.created_at_us, o.org_id";

pub(crate) fn user(row: &Row) -> Result<User, StoreError> {
    Ok(User {
        id: row.get(0)?,
        email: row.get(1)?,
        name: row.get(2)?,
        created_at: row.get(3)?,
    })
}

fn membership(row: &Row) -> Result<Membership, StoreError> {
    let org = Organisation {
        id: row.get(0)?,
        name: row.get(1)?,
        created_at: row.get(2)?,
    };
    Ok(Membership {
        org,
        role: super::role(row, 3)?,
    })
}

/// What a login needs to know about an account.
pub(crate) struct Account {
    pub user: User,
    pub password_hash: Option<String>,
    pub suspended: bool,
}

fn account(row: &Row) -> Result<Account, StoreError> {
    Ok(Account {
        user: user(row)?,
        password_hash: row.get(4)?,
        suspended: row.get::<Option<Timestamp>>(5)?.is_some(),
    })
}

pub(crate) async fn find(tx: &mut SystemRead, id: UserId) -> Result<User, StoreError> {
    user(&tx.one(USER, &params![id]).await?)
}

pub(crate) async fn find_in(tx: &mut SystemWrite, id: UserId) -> Result<User, StoreError> {
    user(&tx.one(USER, &params![id]).await?)
}

pub(crate) async fn by_email(
    tx: &mut SystemRead,
    email: &str,
) -> Result<Option<Account>, StoreError> {
    tx.optional(BY_EMAIL, &params![email])
        .await?
        .as_ref()
        .map(account)
        .transpose()
}

pub(crate) async fn by_id(tx: &mut SystemRead, id: UserId) -> Result<Account, StoreError> {
    let sql = "SELECT id, email, name, created_at_us, password_hash, suspended_at_us
        FROM users WHERE id = $1";
    account(&tx.one(sql, &params![id]).await?)
}

pub(crate) async fn memberships(
    tx: &mut SystemRead,
    id: UserId,
) -> Result<Vec<Membership>, StoreError> {
    tx.all(MEMBERSHIPS, &params![id])
        .await?
        .iter()
        .map(membership)
        .collect()
}

pub(crate) async fn memberships_in(
    tx: &mut SystemWrite,
    id: UserId,
) -> Result<Vec<Membership>, StoreError> {
    tx.all(MEMBERSHIPS, &params![id])
        .await?
        .iter()
        .map(membership)
        .collect()
}

pub(crate) async fn any(tx: &mut SystemWrite) -> Result<bool, StoreError> {
    Ok(tx
        .optional("SELECT id FROM users LIMIT 1", &[])
        .await?
        .is_some())
}

pub(crate) async fn insert(
    tx: &mut SystemWrite,
    user: &User,
    password_hash: Option<String>,
) -> Result<(), StoreError> {
    let sql = "INSERT INTO users (id, email, name, password_hash, created_at_us)
        VALUES ($1, $2, $3, $4, $5)";
    let row = params![
        user.id,
        &user.email,
        &user.name,
        password_hash,
        user.created_at
    ];
    tx.execute(sql, &row).await?;
    Ok(())
}

pub(crate) async fn set_password(
    tx: &mut SystemWrite,
    user: UserId,
    password_hash: String,
) -> Result<(), StoreError> {
    let sql = "UPDATE users SET password_hash = $2, version = version + 1 WHERE id = $1";
    tx.execute(sql, &params![user, password_hash]).await?;
    Ok(())
}

/// A token that opens something once. Without a user it opens nothing.
pub(crate) struct OneTime {
    pub digest: Digest,
    pub purpose: &'static str,
    pub user: Option<UserId>,
    pub expires_at: Timestamp,
}

pub(crate) async fn insert_one_time(
    tx: &mut SystemWrite,
    token: &OneTime,
) -> Result<(), StoreError> {
    let sql = "INSERT INTO one_time_tokens (digest, purpose, user_id, expires_at_us)
        VALUES ($1, $2, $3, $4)";
    tx.execute(
        sql,
        &params![token.digest, token.purpose, token.user, token.expires_at],
    )
    .await?;
    Ok(())
}

/// Spends a token; answers whose it was if it could be spent.
pub(crate) async fn spend_one_time(
    tx: &mut SystemWrite,
    digest: Digest,
    purpose: &str,
    now: Timestamp,
) -> Result<Option<UserId>, StoreError> {
    let sql = "UPDATE one_time_tokens SET used_at_us = $3
        WHERE digest = $1 AND purpose = $2 AND used_at_us IS NULL AND expires_at_us > $3
        RETURNING user_id";
    match tx.optional(sql, &params![digest, purpose, now]).await? {
        Some(row) => row.get(0),
        None => Ok(None),
    }
}

/// Makes every open token of a person for this purpose useless.
pub(crate) async fn void_one_time(
    tx: &mut SystemWrite,
    user: UserId,
    purpose: &str,
    now: Timestamp,
) -> Result<(), StoreError> {
    let sql = "UPDATE one_time_tokens SET used_at_us = $3
        WHERE user_id = $1 AND purpose = $2 AND used_at_us IS NULL";
    tx.execute(sql, &params![user, purpose, now]).await?;
    Ok(())
}

/// Whose token this is, if it could be spent now.
pub(crate) async fn holder_of_one_time(
    tx: &mut SystemRead,
    digest: Digest,
    purpose: &str,
    now: Timestamp,
) -> Result<Option<UserId>, StoreError> {
    let sql = "SELECT user_id FROM one_time_tokens
        WHERE digest = $1 AND purpose = $2 AND used_at_us IS NULL AND expires_at_us > $3";
    match tx.optional(sql, &params![digest, purpose, now]).await? {
        Some(row) => row.get(0),
        None => Ok(None),
    }
}

/// The owner who came first, with the organisation.
pub(crate) async fn first_owner(
    tx: &mut SystemRead,
) -> Result<Option<(User, Organisation)>, StoreError> {
    let sql = "SELECT u.id, u.email, u.name, u.created_at_us, o.org_id, o.name, o.created_at_us
        FROM memberships m
        JOIN users u ON u.id = m.user_id AND u.suspended_at_us IS NULL
        JOIN organisations o ON o.org_id = m.org_id AND o.deleted_at_us IS NULL
        WHERE m.role = 'owner' AND m.suspended_at_us IS NULL
        ORDER BY o.created_at_us, o.org_id, m.created_at_us LIMIT 1";
    let row = tx.optional(sql, &[]).await?;
    row.map(|row| {
        let org = Organisation {
            id: row.get(4)?,
            name: row.get(5)?,
            created_at: row.get(6)?,
        };
        Ok((user(&row)?, org))
    })
    .transpose()
}
