//! An image that is to be put somewhere, in the form that the place takes.

use std::mem;

use crate::error::Result;
use crate::model::Image;
use crate::write::Loadable;

use super::summary::{distinct_names, items_with_bytes};

/// An image on its way.
#[derive(Debug)]
pub(super) enum Arrival {
    /// Whole, to be compared and changed yet.
    Image(Image),
    /// Ready for a new store.
    Loadable(Loadable),
}

impl Arrival {
    /// Its ID.
    pub(super) fn id(&self) -> &str {
        match self {
            Self::Image(image) => &image.id,
            Self::Loadable(image) => image.id(),
        }
    }

    /// How many names it has; one that is listed twice is one.
    pub(super) fn names(&self) -> u64 {
        match self {
            Self::Image(image) => distinct_names(image),
            Self::Loadable(image) => image.names(),
        }
    }

    /// How many of its items have bytes.
    pub(super) fn items(&self) -> u64 {
        match self {
            Self::Image(image) => items_with_bytes(image),
            Self::Loadable(image) => image.items(),
        }
    }

    /// Takes the image out.
    pub(super) fn take_image(&mut self) -> Result<Image> {
        match self {
            Self::Image(image) => Ok(mem::take(image)),
            Self::Loadable(image) => image
                .take_image()
                .map_err(|failure| failure.at(std::path::Path::new("a new store"))),
        }
    }

    /// Gives it to `load` in the form for a new store.
    pub(super) fn load<R>(&mut self, load: impl FnOnce(&mut Loadable) -> R) -> R {
        match self {
            Self::Image(image) => load(&mut Loadable::new(mem::take(image))),
            Self::Loadable(image) => load(image),
        }
    }
}
