//! Where randomness comes from.

use std::fmt;

/// A source of random bits. The engine asks nothing else for them, so a test can repeat them.
pub trait Entropy: Send + Sync + fmt::Debug {
    /// 64 random bits, not to be guessed from earlier ones.
    fn next_u64(&self) -> u64;
}

/// A cryptographically secure generator, seeded by the operating system.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemEntropy;

impl Entropy for SystemEntropy {
    fn next_u64(&self) -> u64 {
        rand::random()
    }
}
