//! Randomness as a value.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use rand::rngs::{StdRng, SysRng};
use rand::{Rng, SeedableRng, TryRng};

/// Where random bytes come from. Cheap to clone; clones of a seeded source share its state.
#[derive(Clone)]
pub struct Random(Source);

#[derive(Clone)]
enum Source {
    System,
    Seeded(Arc<Mutex<StdRng>>),
}

impl Random {
    /// The operating system's generator, fit for keys and tokens.
    #[must_use]
    pub const fn system() -> Self {
        Self(Source::System)
    }

    /// The same bytes for the same seed: for tests alone.
    #[must_use]
    pub fn seeded(seed: u64) -> Self {
        Self(Source::Seeded(Arc::new(Mutex::new(StdRng::seed_from_u64(
            seed,
        )))))
    }

    /// `N` random bytes.
    #[must_use]
    pub fn bytes<const N: usize>(&self) -> [u8; N] {
        let mut out = [0; N];
        self.fill(&mut out);
        out
    }

    /// Fills a buffer with random bytes.
    pub fn fill(&self, out: &mut [u8]) {
        match &self.0 {
            Source::System => {
                // The kernel's generator can't fail once the machine has booted; if it ever does,
                // going on with predictable bytes would be worse than stopping.
                #[expect(clippy::expect_used, reason = "no safe way on without randomness")]
                SysRng
                    .try_fill_bytes(out)
                    .expect("the operating system gives randomness");
            }
            Source::Seeded(rng) => {
                rng.lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .fill_bytes(out);
            }
        }
    }

    /// A random number below `bound` (0 if `bound` is 0), for jitter.
    #[must_use]
    pub fn below(&self, bound: u64) -> u64 {
        u64::from_le_bytes(self.bytes::<8>())
            .checked_rem(bound)
            .unwrap_or(0)
    }
}

impl fmt::Debug for Random {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Source::System => "Random::system",
            Source::Seeded(_) => "Random::seeded",
        })
    }
}
