//! Names, uids and addresses that the server gives: the same ones in every run.

/// Letters that cannot form words, as Kubernetes uses them in names.
const ALPHABET: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";

/// The number of different suffixes.
const SUFFIXES: u64 = 27_u64.pow(5);

/// Counts what was given.
#[derive(Clone, Debug, Default)]
pub(crate) struct Names {
    given: u64,
}

impl Names {
    fn next(&mut self) -> u64 {
        self.given += 1;
        self.given
    }

    pub fn uid(&mut self) -> String {
        format!("00000000-0000-4000-8000-{:012}", self.next())
    }

    /// Five letters. All of them occur before one is repeated, and neighbours look different.
    pub fn suffix(&mut self) -> String {
        let mut number = self.next().wrapping_mul(7_654_321) % SUFFIXES;
        let mut suffix = String::with_capacity(5);
        for _ in 0..5 {
            suffix.push(char::from(ALPHABET[usize::try_from(number % 27).unwrap_or(0)]));
            number /= 27;
        }
        suffix
    }
}
