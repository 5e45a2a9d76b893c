//! How sign-in behaves.

/// The settings of this crate.
#[derive(Debug, Clone)]
pub struct OrgsConfig {
    /// Where people reach the installation, without a slash at the end; links in mails begin so.
    pub public_url: String,
    /// Whether that is by HTTPS: then the refresh cookie is `Secure` and bound to the host.
    pub https: bool,
    /// Whether anybody may register. If not, registering takes an invitation.
    pub open_registration: bool,
}

impl Default for OrgsConfig {
    fn default() -> Self {
        Self {
            public_url: "http://127.0.0.1:8080".to_owned(),
            https: false,
            open_registration: true,
        }
    }
}
