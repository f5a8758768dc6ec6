//! Floodway
