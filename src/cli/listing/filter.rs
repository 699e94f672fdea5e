//! Which images are listed.

use std::str::FromStr;

use image_store::{Error, Image, Lookup, Result, Snapshot, Timestamp, validate_digest};
use wildmatch::WildMatch;

use crate::cli::failure::Failure;
use crate::cli::image_arg::{flag_value, pair};
use crate::cli::image_config::ImageConfig;

/// One condition, as it is given on the command line.
#[derive(Clone, Debug)]
pub(crate) enum Filter {
    Name(WildMatch),
    Dangling(bool),
    Before(Point),
    Since(Point),
    Digest(String),
    Layer(String),
    Flag(String, Option<String>),
    Label(String, Option<String>),
}

/// A point in time: a date, or when an image was created.
#[derive(Clone, Debug)]
pub(crate) enum Point {
    Date(Timestamp),
    Image(String),
}

const KEYS: &str = "name=GLOB, dangling=true|false, before=IMAGE|DATE, since=IMAGE|DATE, \
                    digest=DIGEST, layer=ID, flag=FLAG[=VALUE], label=LABEL[=VALUE]";

impl FromStr for Filter {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (key, value) = pair(text);
        let value = value.ok_or_else(|| format!("there are: {KEYS}"))?;
        let named = || {
            let (name, value) = pair(value);
            (name.to_owned(), value.map(str::to_owned))
        };
        Ok(match key {
            "name" => Self::Name(WildMatch::new(value)),
            "dangling" => Self::Dangling(
                value
                    .parse()
                    .map_err(|_| "dangling is true or false".to_owned())?,
            ),
            "before" => Self::Before(Point::of(value)),
            "since" => Self::Since(Point::of(value)),
            "digest" => Self::Digest(value.to_owned()),
            "layer" => Self::Layer(value.to_owned()),
            "flag" => {
                let (name, value) = named();
                Self::Flag(name, value)
            }
            "label" => {
                let (name, value) = named();
                Self::Label(name, value)
            }
            _ => return Err(format!("there is no filter {key:?}; there are: {KEYS}")),
        })
    }
}

impl Point {
    /// A date is a day, which begins at midnight in UTC, or a whole RFC 3339 date and time.
    fn of(text: &str) -> Self {
        let date = text
            .parse()
            .or_else(|_| format!("{text}T00:00:00Z").parse());
        date.map_or_else(|_| Self::Image(text.to_owned()), Self::Date)
    }

    fn instant(&self, snapshot: &Snapshot) -> Result<Instant, Failure> {
        match self {
            Self::Date(date) => Ok(instant(*date)),
            Self::Image(reference) => {
                let image = snapshot.get(reference).map_err(|error| match error {
                    Error::ImageUnknown { .. } => neither(reference),
                    error => error.into(),
                })?;
                image.created.map(instant).ok_or_else(|| {
                    Failure::no(format!(
                        "it is not known when the image {:?} was created; give a date",
                        image.id
                    ))
                })
            }
        }
    }
}

/// What is meant for a date may be none by a letter, and is then looked for as an image.
fn neither(text: &str) -> Failure {
    Failure::no(format!(
        "{text:?} is neither a date, such as 2024-03-01 or 2024-03-01T12:30:00Z, nor is an image \
         known by it; see: image-store list"
    ))
}

/// Seconds since 1970 and nanoseconds: what timestamps of different offsets have in common.
type Instant = (i64, u32);

pub(super) const fn instant(time: Timestamp) -> Instant {
    (time.unix_seconds(), time.nanosecond())
}

/// All conditions of a listing. Each image that is listed meets every one of them.
pub(crate) struct Filters {
    conditions: Vec<Condition>,
    snapshot: Snapshot,
}

enum Condition {
    Before(Instant),
    Since(Instant),
    Other(Filter),
}

impl Filters {
    /// Looks up what the filters name.
    pub(crate) fn new(filters: &[Filter], snapshot: &Snapshot) -> Result<Self, Failure> {
        let conditions = filters.iter().map(|filter| {
            Ok(match filter {
                Filter::Before(point) => Condition::Before(point.instant(snapshot)?),
                Filter::Since(point) => Condition::Since(point.instant(snapshot)?),
                other => Condition::Other(other.clone()),
            })
        });
        Ok(Self {
            conditions: conditions.collect::<Result<_, Failure>>()?,
            snapshot: snapshot.clone(),
        })
    }

    /// The images that can meet the conditions, in the order of their creation: all of them, or
    /// those that an index leads to.
    pub(crate) fn candidates(&self) -> Result<Box<dyn Iterator<Item = Result<Image>> + '_>> {
        for condition in &self.conditions {
            match condition {
                Condition::Other(Filter::Digest(digest)) if validate_digest(digest).is_ok() => {
                    return match self.snapshot.by_digest(digest) {
                        Ok(images) => Ok(Box::new(images)),
                        Err(Error::DigestOfNoImage { .. }) => Ok(Box::new(std::iter::empty())),
                        Err(error) => Err(error),
                    };
                }
                Condition::Other(Filter::Layer(layer)) => {
                    return Ok(Box::new(self.snapshot.by_top_layer(layer)?));
                }
                _ => {}
            }
        }
        Ok(Box::new(self.snapshot.images()?))
    }

    /// Whether the image meets all conditions. Those for which an item must be read come last.
    pub(crate) fn admit(&self, image: &Image) -> Result<bool> {
        let meets = |condition: &Condition| condition.meets(image);
        if !self.conditions.iter().all(meets) {
            return Ok(false);
        }
        let mut labels = self
            .conditions
            .iter()
            .filter_map(|condition| match condition {
                Condition::Other(Filter::Label(name, value)) => Some((name, value)),
                _ => None,
            });
        let Some(first) = labels.next() else {
            return Ok(true);
        };
        let config = ImageConfig::of(&self.snapshot, image)?.unwrap_or_default();
        let has = config.labels();
        Ok(std::iter::once(first).chain(labels).all(|(name, value)| {
            has.get(name)
                .is_some_and(|label| value.as_ref().is_none_or(|value| value == label))
        }))
    }
}

impl Condition {
    /// Whether the record of the image meets it.
    fn meets(&self, image: &Image) -> bool {
        let created = || image.created.map(instant);
        match self {
            Self::Before(end) => created().is_some_and(|created| created < *end),
            Self::Since(begin) => created().is_some_and(|created| created > *begin),
            Self::Other(filter) => filter.meets(image),
        }
    }
}

impl Filter {
    fn meets(&self, image: &Image) -> bool {
        match self {
            Self::Name(glob) => image.names.iter().any(|name| glob.matches(name)),
            Self::Dangling(dangling) => image.names.is_empty() == *dangling,
            Self::Digest(wanted) => image.digests.iter().any(|digest| {
                let encoded = digest.split_once(':').map_or("", |(_, encoded)| encoded);
                digest.starts_with(wanted) || encoded.starts_with(wanted)
            }),
            Self::Layer(layer) => image
                .top_layer
                .iter()
                .chain(&image.mapped_top_layers)
                .any(|top| top == layer),
            Self::Flag(flag, value) => image.flags.get(flag).is_some_and(|set| {
                value
                    .as_ref()
                    .is_none_or(|value| flag_value(value).as_ref() == Ok(set) || set == value)
            }),
            // Decided elsewhere.
            Self::Label(..) | Self::Before(_) | Self::Since(_) => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Filter, Point};

    #[test]
    fn what_is_no_filter_is_told_what_there_is() {
        for text in ["", "name", "colour=red", "dangling=maybe", "dangling="] {
            assert!(text.parse::<Filter>().is_err(), "{text}");
        }
        let error = "colour=red".parse::<Filter>().unwrap_err();
        assert!(error.contains("dangling=true|false"), "{error}");
    }

    #[test]
    fn a_point_is_a_date_where_it_can_be() {
        for (text, date) in [
            ("2024-03-01", true),
            ("2024-03-01T12:00:00+02:00", true),
            ("2024-03", false),
            ("20240301", false),
            ("app:1", false),
        ] {
            assert_eq!(matches!(Point::of(text), Point::Date(_)), date, "{text}");
        }
    }
}
