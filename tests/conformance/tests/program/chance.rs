//! Numbers that look random and are the same for the same seed.

/// xorshift64.
pub struct Chance(u64);

impl Chance {
    /// The same numbers for the same seed.
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// From the clock, or from `LAZARET_SEED` to repeat a run; printed, so that it can be repeated.
    pub fn fresh(test: &str) -> Self {
        let given = std::env::var("LAZARET_SEED")
            .ok()
            .and_then(|seed| seed.parse().ok());
        let clock = || {
            let time = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
            u64::from(time.unwrap().subsec_nanos())
        };
        let seed = given.unwrap_or_else(clock);
        println!("{test}: LAZARET_SEED={seed}");
        Self::new(seed)
    }

    /// Any number.
    pub fn any(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    /// A number below `limit`.
    pub fn below(&mut self, limit: u64) -> u64 {
        self.any() % limit
    }

    /// Bytes that do not compress.
    pub fn bytes(&mut self, length: usize) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(length + 8);
        while bytes.len() < length {
            bytes.extend(self.any().to_le_bytes());
        }
        bytes.truncate(length);
        bytes
    }
}
