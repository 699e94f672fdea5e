//! The one place where a file becomes the engine's storage.
//!
//! Everything that the engine reads and writes passes through what is made here, so a test that
//! stands in its way (feature `testing`) sees all of it. Without the feature nothing stands there.

mod overlay;
mod padded;
mod passes_on;
#[cfg(not(feature = "testing"))]
mod plain;
mod unshared;
#[cfg(feature = "testing")]
mod watched;

pub(super) use overlay::{Overlay, PAGE};
#[cfg(not(feature = "testing"))]
pub(super) use plain::{Backend, Storage};
pub(super) use unshared::Unshared;
#[cfg(feature = "testing")]
pub(super) use watched::{Backend, Storage};
