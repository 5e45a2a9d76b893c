//! Mail: the seam, and the outbox that stands behind it until a mail server does.

use std::path::PathBuf;

use futures::future::BoxFuture;
use vocab::{Clock, ExposeSecret as _, Random, SecretString};

/// A mail. Its text may hold a token, so it is a secret.
#[derive(Debug, Clone)]
pub struct Mail {
    /// The address.
    pub to: String,
    /// One line.
    pub subject: String,
    /// Plain text.
    pub text: SecretString,
}

/// Why a mail was not handed over.
#[derive(Debug, thiserror::Error)]
pub enum MailError {
    /// The outbox can't be written.
    #[error("the outbox can't be written")]
    Outbox(#[from] std::io::Error),
    /// Another way of delivery failed.
    #[error("delivery failed: {0}")]
    Delivery(String),
}

/// Hands mails over.
pub trait Mailer: Send + Sync + 'static {
    /// Hands one over. When it returns, the mail is not lost any more.
    fn send(&self, mail: Mail) -> BoxFuture<'_, Result<(), MailError>>;
}

/// Writes each mail into a folder as a text file that only the operator can read, for
/// installations without a mail server: whoever runs the machine passes the link on.
#[derive(Debug, Clone)]
pub struct Outbox {
    folder: PathBuf,
    clock: Clock,
    random: Random,
}

impl Outbox {
    /// An outbox in this folder, which is made when the first mail comes.
    #[must_use]
    pub const fn new(folder: PathBuf, clock: Clock, random: Random) -> Self {
        Self {
            folder,
            clock,
            random,
        }
    }
}

impl Mailer for Outbox {
    fn send(&self, mail: Mail) -> BoxFuture<'_, Result<(), MailError>> {
        let now = self.clock.now();
        let name = format!(
            "{}-{:08x}.txt",
            now.as_micros(),
            u32::from_be_bytes(self.random.bytes())
        );
        let path = self.folder.join(name);
        Box::pin(async move {
            let written = tokio::task::spawn_blocking(move || write(&path, &mail));
            written.await.map_err(std::io::Error::other)??;
            Ok(())
        })
    }
}

fn write(path: &std::path::Path, mail: &Mail) -> std::io::Result<()> {
    use std::io::Write as _;
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    write!(
        file,
        "To: {}\nSubject: {}\n\n{}\n",
        mail.to,
        mail.subject,
        mail.text.expose_secret()
    )?;
    file.sync_all()
}
