//! Addresses: one spelling for one mailbox.

use crate::OrgsError;

/// The longest address, in bytes (RFC 5321).
const EMAIL_BYTES_MAX: usize = 254;

/// Trims and lowers an address, and checks that it can be one.
///
/// Only ASCII is taken. Folding other letters (NFKC, case) maps different mailboxes onto one
/// spelling, and whoever owns one of them would get the password reset of another. A domain in
/// other letters is written in its `xn--` form.
pub(crate) fn normalise(email: &str, pointer: &'static str) -> Result<String, OrgsError> {
    let email = email.trim().to_ascii_lowercase();
    let refuse = |message: &str| Err(OrgsError::invalid(pointer, message));
    if !email.is_ascii() {
        return refuse("expected an address in ASCII; write the domain in its `xn--` form");
    }
    let Some((local, domain)) = email.rsplit_once('@') else {
        return refuse("expected an address such as `name@example.org`");
    };
    let local_letter =
        |byte: u8| byte.is_ascii_alphanumeric() || b".!#$%&'*+/=?^_`{|}~-".contains(&byte);
    let local_fits = (1..=64).contains(&local.len())
        && local.bytes().all(local_letter)
        && !local.starts_with('.')
        && !local.ends_with('.')
        && !local.contains("..");
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    if email.len() > EMAIL_BYTES_MAX || !local_fits || !domain.split('.').all(label) {
        return refuse("expected an address such as `name@example.org`");
    }
    Ok(email)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_mailbox_has_one_spelling_and_look_alikes_are_refused() {
        assert_eq!(
            normalise(" Ada.L+x@Example.ORG ", "/email").unwrap(),
            "ada.l+x@example.org"
        );
        assert!(normalise("a@localhost", "/email").is_ok());
        for wrong in [
            "",
            "@",
            "a@",
            "@b",
            "a b@c.d",
            "a@b@c",
            "a@b..c",
            ".a@b.c",
            "a.@b.c",
            "a..b@c.d",
            "a@-b.c",
            "mıke@example.org",
            "mike@exampſe.org",
            "ａ@example.org",
            "a\n@b.c",
            "a@b.c\0",
        ] {
            assert!(normalise(wrong, "/email").is_err(), "{wrong:?}");
        }
        assert!(normalise(&format!("{}@b.c", "a".repeat(65)), "/email").is_err());
    }
}
