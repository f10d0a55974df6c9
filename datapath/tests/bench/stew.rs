//! Frames of every kind, whole and spoilt.
