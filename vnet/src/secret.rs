//! What only its owner may know: a word that is compared, and never shown.

use core::fmt;

/// A secret word. Nothing prints it: neither `{:?}` nor a message.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Box<[u8]>);

impl Secret {
    /// A secret of this text.
    pub fn new(text: &str) -> Self {
        Self(text.as_bytes().into())
    }

    /// Is this the word? Takes as long for a word that is nearly right as for one
    /// that is not: only its length shows.
    pub fn is(&self, word: &[u8]) -> bool {
        let differs = |different: u8, (a, b): (&u8, &u8)| different | (a ^ b);
        self.0.len() == word.len() && self.0.iter().zip(word).fold(0, differs) == 0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_compared_and_never_shown() {
        let secret = Secret::new("open sesame");
        assert!(secret.is(b"open sesame"));
        assert!(!secret.is(b"open sesamf") && !secret.is(b"open") && !secret.is(b""));
        assert_eq!(format!("{secret:?}"), "Secret(..)");
    }
}
