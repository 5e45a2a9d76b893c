//! Signing a device in that has no browser (RFC 8628).

use vocab::limits::{DEVICE_CODE_TTL, DEVICE_POLL_INTERVAL};
use vocab::{Actor, Digest, Draft, EventKind, OrgId, Random, SecretString, UserId};

use crate::error::DeviceRefusal;
use crate::login::orgs_of;
use crate::model::{Method, SignedIn};
use crate::service::commit_for;
use crate::store::devices::{Decision, DeviceCode, NewCode};
use crate::store::{accounts, devices};
use crate::token::{Purpose, Token};
use crate::{Orgs, OrgsError};

/// Letters that can't be mistaken for others, and make no words (RFC 8628, section 6.1).
const LETTERS: &[u8; 20] = b"BCDFGHJKLMNPQRSTVWXZ";
/// How many of them: 34 bits, for minutes, behind a rate limit.
const LETTERS_COUNT: usize = 8;
/// By how much the interval grows when a device asks too often, in seconds.
const SLOW_DOWN_S: u32 = 5;

/// What a device shows and keeps.
#[derive(Debug)]
pub struct DeviceRequest {
    /// What the device asks with.
    pub device_code: SecretString,
    /// What the person types, as `XXXX-XXXX`.
    pub user_code: String,
    /// Where the person types it.
    pub verification_uri: String,
    /// How long it can be approved, in seconds.
    pub expires_in_s: u64,
    /// How often the device may ask, in seconds.
    pub interval_s: u32,
}

/// What a device gets in the end.
#[derive(Debug)]
pub struct DeviceGrant {
    /// Who approved, with the device's tokens.
    pub signed_in: SignedIn,
    /// The organisation that the person chose for the device.
    pub org: Option<OrgId>,
}

impl Orgs {
    /// Begins to sign a device in.
    ///
    /// # Errors
    /// Storage.
    pub async fn request_device(&self, client: Option<&str>) -> Result<DeviceRequest, OrgsError> {
        let now = self.now();
        let token = Token::new(Purpose::Device, self.random());
        let user_code = user_code(self.random());
        let interval_s = u32::try_from(DEVICE_POLL_INTERVAL.as_secs()).unwrap_or(u32::MAX);
        let new = NewCode {
            id: self.new_id(),
            device: token.digest,
            user: user_code_digest(&user_code),
            client,
            now,
            expires_at: now.plus(DEVICE_CODE_TTL),
            interval_s,
        };
        let mut tx = self.authority().system_write(Actor::system("orgs")).await?;
        devices::insert(&mut tx, &new).await?;
        tx.commit_unrecorded("a device code belongs to nobody yet")
            .await?;
        Ok(DeviceRequest {
            device_code: token.text,
            user_code,
            verification_uri: format!("{}/device", self.config().public_url),
            expires_in_s: DEVICE_CODE_TTL.as_secs(),
            interval_s,
        })
    }

    /// A person's decision about the code that a device shows.
    ///
    /// # Errors
    /// No such code waits for a decision; the organisation is not the person's; storage.
    pub async fn decide_device(
        &self,
        user: UserId,
        user_code: &str,
        org: Option<OrgId>,
        approved: bool,
    ) -> Result<Option<String>, OrgsError> {
        let mut tx = self.authority().system_write(Actor::user(user)).await?;
        let orgs = orgs_of(&accounts::memberships_in(&mut tx, user).await?);
        if org.is_some_and(|org| !orgs.contains(&org)) {
            return Err(OrgsError::NotFound("organisation"));
        }
        // Somebody who is in one organisation has chosen it.
        let org = org.or(if let [only] = orgs.as_slice() {
            Some(*only)
        } else {
            None
        });
        let code = user_code_digest(user_code);
        let decision = Decision {
            code,
            approved,
            user,
            org,
            now: self.now(),
        };
        let decided = devices::decide(&mut tx, &decision).await?;
        let (id, client) = decided.ok_or(OrgsError::NotFound("device code"))?;
        if approved {
            let event = Draft::new(EventKind::DeviceApproved, id).fact("user", user.to_string());
            commit_for(tx, orgs, vec![event]).await?;
        } else {
            tx.commit_unrecorded("a device was turned away").await?;
        }
        Ok(client)
    }

    /// Asks whether a device may come in.
    ///
    /// # Errors
    /// Not yet, or not at all ([`OrgsError::Device`]); storage.
    pub async fn redeem_device(&self, device_code: &str) -> Result<DeviceGrant, OrgsError> {
        let refused = |why| Err(OrgsError::Device(why));
        let Some(digest) = Purpose::Device.digest(device_code) else {
            return refused(DeviceRefusal::Unknown);
        };
        let mut tx = self.authority().system_write(Actor::system("orgs")).await?;
        let Some(code) = devices::by_device(&mut tx, digest).await? else {
            return refused(DeviceRefusal::Unknown);
        };
        let now = self.now();
        match (code.decision.as_deref(), code.user) {
            _ if code.redeemed => refused(DeviceRefusal::Unknown),
            _ if code.expires_at <= now => refused(DeviceRefusal::Expired),
            (None, _) => {
                let too_soon = code
                    .polled_at
                    .is_some_and(|at| now.since(at).as_secs() < u64::from(code.interval_s));
                let interval_s = code.interval_s + if too_soon { SLOW_DOWN_S } else { 0 };
                devices::polled(&mut tx, code.id, now, interval_s).await?;
                tx.commit_unrecorded("a device asked").await?;
                refused(if too_soon {
                    DeviceRefusal::SlowDown
                } else {
                    DeviceRefusal::Pending
                })
            }
            (Some("approved"), Some(user)) => {
                drop(tx);
                self.grant_device(digest, code, user).await
            }
            (Some(_), _) => refused(DeviceRefusal::Denied),
        }
    }

    async fn grant_device(
        &self,
        digest: Digest,
        code: DeviceCode,
        user: UserId,
    ) -> Result<DeviceGrant, OrgsError> {
        // Again, as the person: the login that begins is the person's.
        let mut tx = self.authority().system_write(Actor::user(user)).await?;
        let held = devices::by_device(&mut tx, digest).await?;
        if held.is_none_or(|held| held.redeemed) {
            return Err(OrgsError::Device(DeviceRefusal::Unknown));
        }
        devices::redeem(&mut tx, code.id, self.now()).await?;
        let user = accounts::find_in(&mut tx, user).await?;
        let memberships = accounts::memberships_in(&mut tx, user.id).await?;
        let client = code.client.as_deref();
        let (tokens, event) = self.begin(&mut tx, user.id, Method::Device, client).await?;
        commit_for(tx, orgs_of(&memberships), vec![event]).await?;
        Ok(DeviceGrant {
            signed_in: SignedIn {
                user,
                tokens,
                memberships,
            },
            org: code.org,
        })
    }
}

fn user_code(random: &Random) -> String {
    let mut code = String::with_capacity(LETTERS_COUNT + 1);
    for place in 0..LETTERS_COUNT {
        if place == LETTERS_COUNT / 2 {
            code.push('-');
        }
        let at = usize::try_from(random.below(LETTERS.len() as u64)).unwrap_or(0);
        code.push(char::from(LETTERS[at]));
    }
    code
}

/// The digest of what a person typed: case, spaces and hyphens don't matter.
fn user_code_digest(code: &str) -> Digest {
    let letters = code.chars().filter(char::is_ascii_alphanumeric);
    let plain: String = letters.map(|letter| letter.to_ascii_uppercase()).collect();
    Digest::of(format!("chancery device user code\n{plain}").as_bytes())
}
