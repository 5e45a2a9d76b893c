//! Passwords: which ones are taken, and how they are kept (Argon2id, RFC 9106).

use std::sync::{Arc, LazyLock};

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _};
use argon2::{Algorithm, Argon2, Params, Version};
use tokio::sync::Semaphore;
use vocab::limits::{PASSWORD_CHARS_MAX, PASSWORD_CHARS_MIN};
use vocab::{ExposeSecret as _, Random, SecretString};

use crate::OrgsError;

/// 19 MiB, two passes, one lane: the first choice of the OWASP cheat sheet for Argon2id.
const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;
const LANES: u32 = 1;
/// How many hashes are worked out at once; each takes 19 MiB and a core.
const AT_ONCE: usize = 4;

/// What is tried first wherever there is a login form, as far as it is long enough to be taken at
/// all. Compared in lower case.
const COMMON: &[&str] = &[
    "0123456789",
    "1234567890",
    "12345678910",
    "123456789a",
    "1q2w3e4r5t",
    "1q2w3e4r5t6y",
    "1qaz2wsx3edc",
    "abcdefghij",
    "administrator",
    "asdfghjkl;",
    "changeme123",
    "correcthorsebatterystaple",
    "football123",
    "iloveyou123",
    "letmein123",
    "passw0rd123",
    "password01",
    "password1!",
    "password10",
    "password11",
    "password12",
    "password123",
    "password1234",
    "password12345",
    "passwordpassword",
    "princess123",
    "qwerty12345",
    "qwerty123456",
    "qwertyuiop",
    "qwertyuiop123",
    "superman123",
    "sunshine123",
    "welcome123",
    "welcome1234",
    "zaq12wsxcde3",
    "chancery123",
    "adminadmin",
    "rootrootroot",
    "testtesttest",
    "1111111111",
    "0000000000",
    "9876543210",
    "aaaaaaaaaa",
    "qazwsxedcrfv",
    "monkey12345",
    "dragon12345",
    "trustno1234",
];

/// Checks a new password against the rules (NIST SP 800-63B: length and a list, no composition).
pub(crate) fn check(password: &str, email: &str, pointer: &'static str) -> Result<(), OrgsError> {
    let refuse = |message: String| Err(OrgsError::Invalid { pointer, message });
    let chars = password.chars().count();
    if chars < PASSWORD_CHARS_MIN {
        return refuse(format!("expected at least {PASSWORD_CHARS_MIN} characters"));
    }
    if chars > PASSWORD_CHARS_MAX {
        return refuse(format!("expected at most {PASSWORD_CHARS_MAX} characters"));
    }
    let lower = password.to_lowercase();
    let local = email.split('@').next().unwrap_or_default();
    if lower == email || lower.replace(local, "").chars().count() < 3 {
        return refuse("expected something else than the address".into());
    }
    let same = lower
        .chars()
        .next()
        .is_some_and(|first| lower.chars().all(|it| it == first));
    if same || COMMON.contains(&lower.as_str()) {
        return refuse("this password is one of the first that are tried; choose another".into());
    }
    Ok(())
}

/// Hashes passwords, a few at a time, away from the threads that serve requests.
#[derive(Clone)]
pub(crate) struct Passwords {
    places: Arc<Semaphore>,
}

/// A hash of nobody's password, with the work of a real one.
static DECOY: LazyLock<Option<String>> = LazyLock::new(|| hash(b"nobody's", &[7; 16]).ok());

impl Passwords {
    pub fn new() -> Self {
        Self {
            places: Arc::new(Semaphore::new(AT_ONCE)),
        }
    }

    /// The hash of a password, as a PHC string with its own parameters and salt.
    pub async fn hash(
        &self,
        password: &SecretString,
        random: &Random,
    ) -> Result<String, OrgsError> {
        let (password, salt) = (password.clone(), random.bytes::<16>());
        self.aside(move || hash(password.expose_secret().as_bytes(), &salt))
            .await?
    }

    /// Whether this is the password. Without a hash it is not, after the same work.
    pub async fn verify(
        &self,
        password: &SecretString,
        hash: Option<String>,
    ) -> Result<bool, OrgsError> {
        let password = password.clone();
        self.aside(move || {
            let known = hash.is_some();
            let hash = hash.or_else(|| DECOY.clone()).unwrap_or_default();
            let parsed = PasswordHash::new(&hash).map_err(|it| OrgsError::Hash(it.to_string()))?;
            let fits = argon2()?.verify_password(password.expose_secret().as_bytes(), &parsed);
            Ok(fits.is_ok() && known)
        })
        .await?
    }

    async fn aside<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, OrgsError> {
        let failed = |message: String| OrgsError::Hash(message);
        let place = Arc::clone(&self.places).acquire_owned().await;
        let place = place.map_err(|error| failed(error.to_string()))?;
        let done = tokio::task::spawn_blocking(move || {
            // Given back when the work is over, even if nobody waits for it any more.
            let _place = place;
            work()
        });
        done.await.map_err(|error| failed(error.to_string()))
    }
}

fn argon2() -> Result<Argon2<'static>, OrgsError> {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, None);
    let params = params.map_err(|error| OrgsError::Hash(error.to_string()))?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

fn hash(password: &[u8], salt: &[u8]) -> Result<String, OrgsError> {
    let hash: Result<PasswordHash, _> = argon2()?.hash_password_with_salt(password, salt);
    hash.map(|hash| hash.to_string())
        .map_err(|error| OrgsError::Hash(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_common_and_obvious_passwords_are_refused_and_others_are_not() {
        let check = |password: &str| check(password, "ada.lovelace@example.org", "/password");
        for good in [
            "correct horse battery",
            "ünïcödé-passwörd",
            "ada.lovelace and more",
        ] {
            assert!(check(good).is_ok(), "{good}");
        }
        let long = "x1".repeat(129);
        for bad in [
            "short",
            "Password123",
            "QWERTYUIOP",
            "zzzzzzzzzzzz",
            "ada.lovelace@example.org",
            "ada.lovelace1",
            &long,
        ] {
            assert!(check(bad).is_err(), "{bad}");
        }
    }

    #[tokio::test]
    async fn a_hash_fits_its_password_alone_and_nobody_fits_nothing() {
        let (passwords, random) = (Passwords::new(), Random::seeded(1));
        let password = SecretString::from("correct horse battery");
        let hash = passwords.hash(&password, &random).await.unwrap();
        assert!(
            hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"),
            "{hash}"
        );
        assert!(
            passwords
                .verify(&password, Some(hash.clone()))
                .await
                .unwrap()
        );
        assert!(
            !passwords
                .verify(&"correct horse".into(), Some(hash))
                .await
                .unwrap()
        );
        assert!(!passwords.verify(&"nobody's".into(), None).await.unwrap());
    }
}
