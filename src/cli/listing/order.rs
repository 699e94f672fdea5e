//! In which order images are listed.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use clap::ValueEnum;
use image_store::{Image, Lookup as _, Result, Snapshot};

use super::filter::{Filters, instant};
use crate::cli::human;

/// What images are sorted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum SortKey {
    /// The oldest first, before them those whose date is not known
    Created,
    /// By ID
    Id,
    /// By the first name, after them those without a name
    Name,
    /// The smallest first
    Size,
    /// Those with the fewest items first
    Items,
}

/// The order of a listing, and which part of it is wanted.
#[derive(Clone, Debug)]
pub(crate) struct Order {
    /// `None` for the order of creation.
    pub(crate) sort: Option<SortKey>,
    pub(crate) reverse: bool,
    /// The ID of the image to go on after.
    pub(crate) after: Option<String>,
    pub(crate) limit: Option<usize>,
}

/// Where an image stands in a sorted listing. The ID comes last, so that no two stand in one place.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    last: bool,
    number: i128,
    text: String,
    id: String,
}

impl Place {
    fn of(image: &Image, key: SortKey) -> Self {
        let mut place = Self {
            last: false,
            number: 0,
            text: String::new(),
            id: image.id.clone(),
        };
        match key {
            SortKey::Created => {
                place.number = image.created.map_or(i128::MIN, |created| {
                    let (seconds, nanosecond) = instant(created);
                    i128::from(seconds) * 1_000_000_000 + i128::from(nanosecond)
                });
            }
            SortKey::Id => {}
            SortKey::Name => match image.names.first() {
                Some(name) => place.text.clone_from(name),
                None => place.last = true,
            },
            SortKey::Size => place.number = i128::from(human::items_size(image)),
            SortKey::Items => place.number = image.big_data.len() as i128,
        }
        place
    }
}

impl Order {
    /// Looks up what the order names, so that what is unknown is told before anything is shown.
    pub(crate) fn check(&self, snapshot: &Snapshot) -> Result<()> {
        match &self.after {
            Some(after) => snapshot.get(after).map(drop),
            None => Ok(()),
        }
    }

    /// Gives each image to `show`, in this order.
    ///
    /// In the order of creation images are read as they are shown, in constant memory. Sorting
    /// holds the key and the ID of each image, or with a limit of as many as are wanted; the images
    /// themselves are read again.
    pub(crate) fn list<E: From<image_store::Error>>(
        &self,
        snapshot: &Snapshot,
        filters: &Filters,
        show: impl FnMut(&Image) -> Result<(), E>,
    ) -> Result<(), E> {
        match self.sort {
            None => self.list_created(snapshot, filters, show),
            Some(key) => self.list_sorted(snapshot, filters, key, show),
        }
    }

    fn list_created<E: From<image_store::Error>>(
        &self,
        snapshot: &Snapshot,
        filters: &Filters,
        mut show: impl FnMut(&Image) -> Result<(), E>,
    ) -> Result<(), E> {
        let candidates = match &self.after {
            Some(after) => Box::new(snapshot.images_after(after)?),
            None => filters.candidates()?,
        };
        let mut left = self.limit.unwrap_or(usize::MAX);
        for image in candidates {
            if left == 0 {
                break;
            }
            let image = image?;
            if filters.admit(&image)? {
                show(&image)?;
                left -= 1;
            }
        }
        Ok(())
    }

    fn list_sorted<E: From<image_store::Error>>(
        &self,
        snapshot: &Snapshot,
        filters: &Filters,
        key: SortKey,
        mut show: impl FnMut(&Image) -> Result<(), E>,
    ) -> Result<(), E> {
        let place = |image: &Image| Place::of(image, key);
        let ids: Vec<String> = if self.reverse {
            let places = self.places(snapshot, filters, |image| Reverse(place(image)))?;
            places.into_iter().map(|Reverse(place)| place.id).collect()
        } else {
            let places = self.places(snapshot, filters, place)?;
            places.into_iter().map(|place| place.id).collect()
        };
        for id in ids {
            show(&snapshot.get(&id)?)?;
        }
        Ok(())
    }

    /// The first places that are wanted, in order.
    fn places<K: Ord>(
        &self,
        snapshot: &Snapshot,
        filters: &Filters,
        place: impl Fn(&Image) -> K,
    ) -> Result<Vec<K>> {
        let after = match &self.after {
            Some(after) => Some(place(&snapshot.get(after)?)),
            None => None,
        };
        let limit = self.limit.unwrap_or(usize::MAX);
        let mut first = BinaryHeap::new();
        for image in filters.candidates()? {
            let image = image?;
            let place = place(&image);
            let is_wanted = after.as_ref().is_none_or(|after| place > *after);
            if is_wanted && filters.admit(&image)? {
                first.push(place);
                if first.len() > limit {
                    first.pop();
                }
            }
        }
        Ok(first.into_sorted_vec())
    }
}
