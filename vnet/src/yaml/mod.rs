//! YAML as a person wrote it, with the place of every key and value.
//!
//! Not through serde: that stops at the first thing that is wrong, and knows
//! no places inside alternatives (`link: access` or `link: {trunk: …}`). Here
//! one run reports everything, each with its line and its remedy.
//!
//! * [`stream`]: a file to its documents.
//! * [`tree`]: text to a tree of scalars, lists and maps.
//! * [`fields`]: the keys of a map, known and unknown.
//! * [`scalar`]: the values that a scalar's text may mean.

pub mod fields;
pub mod nearest;
pub mod scalar;
pub mod stream;
pub mod tree;

pub use fields::Fields;
pub use tree::{Node, Value};

use crate::diagnostic::Place;

/// A value and the place where it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Located<T> {
    /// The value.
    pub value: T,
    /// Where it was written.
    pub place: Place,
}

impl<T> Located<T> {
    /// A value written at a place.
    pub fn new(value: T, place: &Place) -> Self {
        Self {
            value,
            place: place.clone(),
        }
    }
}
