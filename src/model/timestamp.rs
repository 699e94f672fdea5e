//! A point in time as the legacy store writes it: nanoseconds and the offset it was given with.

use std::fmt;
use std::str::FromStr;
use std::time::SystemTime;

use thiserror::Error;
use time::format_description::well_known::Rfc3339;
use time::{OffsetDateTime, UtcOffset};

/// A point in time with nanoseconds and an offset from UTC in whole minutes, from the year 1 to the
/// year 9999.
///
/// It is read from and written as RFC 3339, with zero to nine fraction digits and without trailing
/// zeros, which is how the legacy store writes `created`. The offset is part of the value: two
/// timestamps of the same instant with different offsets are not equal.
///
/// # Examples
///
/// ```
/// use image_store::Timestamp;
///
/// let created: Timestamp = "2024-03-01T12:30:00.120+02:00".parse()?;
/// assert_eq!(created.to_string(), "2024-03-01T12:30:00.12+02:00");
/// assert_eq!(created.unix_seconds(), 1_709_289_000);
/// assert_eq!(created.nanosecond(), 120_000_000);
/// # Ok::<(), image_store::InvalidTimestamp>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Timestamp {
    seconds: i64,
    nanosecond: u32,
    offset_minutes: i16,
}

/// The text or the numbers are not a [`Timestamp`].
///
/// # Examples
///
/// ```
/// # use image_store::Timestamp;
/// let refused = "yesterday".parse::<Timestamp>().unwrap_err();
/// assert!(refused.to_string().starts_with("\"yesterday\" is not an RFC 3339 date"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{text:?} is not an RFC 3339 date and time with an offset (example: 2024-03-01T12:30:00Z)")]
pub struct InvalidTimestamp {
    text: String,
}

impl Timestamp {
    /// The time that the legacy store writes where none was set, `0001-01-01T00:00:00Z`.
    ///
    /// # Examples
    ///
    /// ```
    /// # use image_store::Timestamp;
    /// assert_eq!(Timestamp::ZERO.to_string(), "0001-01-01T00:00:00Z");
    /// ```
    pub const ZERO: Self = Self {
        seconds: -62_135_596_800,
        nanosecond: 0,
        offset_minutes: 0,
    };

    /// The present time, in UTC.
    ///
    /// # Examples
    ///
    /// ```
    /// # use image_store::Timestamp;
    /// assert!(Timestamp::now().unix_seconds() > 0);
    /// ```
    #[must_use]
    pub fn now() -> Self {
        Self::from_date_time(SystemTime::now().into())
    }

    /// Builds a timestamp from seconds since 1970-01-01T00:00:00Z, the nanoseconds past that second
    /// and the offset from UTC in minutes that it is to be shown with.
    ///
    /// # Examples
    ///
    /// ```
    /// # use image_store::Timestamp;
    /// let time = Timestamp::from_parts(0, 500_000_000, 60)?;
    /// assert_eq!(time.to_string(), "1970-01-01T01:00:00.5+01:00");
    /// assert!(Timestamp::from_parts(0, 1_000_000_000, 0).is_err());
    /// # Ok::<(), image_store::InvalidTimestamp>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`InvalidTimestamp`] where the year at the offset would not lie in 1 to 9999, `nanosecond` is
    /// not below 1,000,000,000, or the offset is a day or more.
    pub fn from_parts(
        unix_seconds: i64,
        nanosecond: u32,
        offset_minutes: i16,
    ) -> Result<Self, InvalidTimestamp> {
        let value = Self {
            seconds: unix_seconds,
            nanosecond,
            offset_minutes,
        };
        let in_range = value.is_far_from_the_limits()
            || value
                .to_date_time()
                .is_some_and(|date_time| (1..=9999).contains(&date_time.year()));
        if in_range {
            Ok(value)
        } else {
            Err(InvalidTimestamp {
                text: format!("{unix_seconds} s {nanosecond} ns {offset_minutes} min"),
            })
        }
    }

    /// Seconds since 1970-01-01T00:00:00Z; negative before.
    ///
    /// # Examples
    ///
    /// ```
    /// # use image_store::Timestamp;
    /// let time: Timestamp = "1970-01-01T01:00:00+01:00".parse()?;
    /// assert_eq!(time.unix_seconds(), 0);
    /// # Ok::<(), image_store::InvalidTimestamp>(())
    /// ```
    #[must_use]
    pub const fn unix_seconds(&self) -> i64 {
        self.seconds
    }

    /// Nanoseconds past the second, 0 to 999,999,999.
    ///
    /// # Examples
    ///
    /// ```
    /// # use image_store::Timestamp;
    /// let time: Timestamp = "1970-01-01T00:00:00.25Z".parse()?;
    /// assert_eq!(time.nanosecond(), 250_000_000);
    /// # Ok::<(), image_store::InvalidTimestamp>(())
    /// ```
    #[must_use]
    pub const fn nanosecond(&self) -> u32 {
        self.nanosecond
    }

    /// The offset from UTC in minutes, east positive.
    ///
    /// # Examples
    ///
    /// ```
    /// # use image_store::Timestamp;
    /// let time: Timestamp = "1970-01-01T00:00:00-07:30".parse()?;
    /// assert_eq!(time.offset_minutes(), -450);
    /// # Ok::<(), image_store::InvalidTimestamp>(())
    /// ```
    #[must_use]
    pub const fn offset_minutes(&self) -> i16 {
        self.offset_minutes
    }

    /// Whether this is the instant of [`ZERO`](Self::ZERO), at any offset.
    pub(crate) fn is_zero(&self) -> bool {
        self.seconds == Self::ZERO.seconds && self.nanosecond == 0
    }

    /// Whether it is valid at any offset: every record that is read has one of these, and few are
    /// within a day of the first or the last year.
    const fn is_far_from_the_limits(&self) -> bool {
        const DAY: i64 = 24 * 60 * 60;
        const END: i64 = 253_402_300_800;
        self.seconds >= Self::ZERO.seconds + DAY
            && self.seconds < END - DAY
            && self.nanosecond < 1_000_000_000
            && self.offset_minutes.unsigned_abs() < 24 * 60
    }

    fn from_date_time(date_time: OffsetDateTime) -> Self {
        Self {
            seconds: date_time.unix_timestamp(),
            nanosecond: date_time.nanosecond(),
            offset_minutes: date_time.offset().whole_minutes(),
        }
    }

    fn to_date_time(self) -> Option<OffsetDateTime> {
        let offset = UtcOffset::from_whole_seconds(i32::from(self.offset_minutes) * 60).ok()?;
        // Built from the time at the offset: the year in UTC may be one that has no date.
        let by = i64::from(self.offset_minutes) * 60;
        let at_offset = self.seconds.checked_add(by)?;
        let date_time = OffsetDateTime::from_unix_timestamp(at_offset).ok()?;
        let date_time = date_time.replace_nanosecond(self.nanosecond).ok()?;
        Some(date_time.replace_offset(offset))
    }
}

impl FromStr for Timestamp {
    type Err = InvalidTimestamp;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let invalid = || InvalidTimestamp {
            text: text.to_owned(),
        };
        // The legacy store's parser is stricter than the RFC: upper-case letters, no leap second.
        let leap_second = text.get(17..19) == Some("60");
        if leap_second || text.contains(['t', 'z', ' ']) {
            return Err(invalid());
        }
        let date_time = OffsetDateTime::parse(text, &Rfc3339).map_err(|_| invalid())?;
        let value = Self::from_date_time(date_time);
        Self::from_parts(value.seconds, value.nanosecond, value.offset_minutes)
            .map_err(|_| invalid())
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self
            .to_date_time()
            .and_then(|date_time| date_time.format(&Rfc3339).ok())
            .ok_or(fmt::Error)?;
        f.write_str(&text)
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Timestamp({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::Timestamp;

    #[test]
    fn keeps_what_it_was_given() {
        for text in [
            "0001-01-01T00:00:00Z",
            "9999-12-31T23:59:59Z",
            "1969-12-31T23:59:59Z",
            "1969-12-31T23:59:59.999999999Z",
            "2020-02-29T23:59:59.999999999+05:30",
            "2020-01-01T00:00:00-07:00",
            "2020-01-01T00:00:00.5Z",
            "2020-01-01T00:00:00.000000001-07:30",
            "9999-12-31T23:59:59.5-07:00",
            "9999-12-31T23:59:59+07:00",
            "0001-01-01T00:00:00+05:30",
            "0001-01-01T00:00:00-05:30",
        ] {
            let parsed: Timestamp = text.parse().unwrap();
            assert_eq!(parsed.to_string(), text);
        }
        assert_eq!("0001-01-01T00:00:00Z".parse(), Ok(Timestamp::ZERO));
    }

    /// The quick check must not let pass what the thorough one refuses.
    #[test]
    fn parts_are_checked_alike_near_and_far_from_the_limits() {
        let edges = [-62_135_596_800_i64, 0, 253_402_300_799];
        for seconds in edges.into_iter().flat_map(|edge| {
            [
                -172_801, -86_401, -86_400, -1, 0, 1, 86_399, 86_400, 172_801,
            ]
            .map(|by| edge + by)
        }) {
            for offset in [i16::MIN, -1440, -1439, 0, 1439, 1440, i16::MAX] {
                for nanosecond in [0, 999_999_999, 1_000_000_000] {
                    let parts = Timestamp {
                        seconds,
                        nanosecond,
                        offset_minutes: offset,
                    };
                    let thorough = parts
                        .to_date_time()
                        .is_some_and(|date_time| (1..=9999).contains(&date_time.year()));
                    let checked = Timestamp::from_parts(seconds, nanosecond, offset).is_ok();
                    assert_eq!(checked, thorough, "{seconds} {nanosecond} {offset}");
                }
            }
        }
    }

    #[test]
    fn refuses_what_the_legacy_store_refuses() {
        for text in [
            "",
            "2020-01-01",
            "2020-01-01T00:00:00",
            "2020-01-01 00:00:00Z",
            "2020-01-01t00:00:00z",
            "2016-12-31T23:59:60Z",
            "2020-02-30T00:00:00Z",
            "0000-01-01T00:00:00Z",
            "10000-01-01T00:00:00Z",
            "0000-12-31T23:59:59-00:01",
        ] {
            assert!(text.parse::<Timestamp>().is_err(), "{text}");
        }
    }
}
