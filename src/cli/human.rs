//! How ages, sizes and texts are shown to a person.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use image_store::{Image, Timestamp};
use indicatif::{BinaryBytes, HumanCount, HumanDuration};

/// How many characters of an ID a person is shown.
const SHORT_ID: usize = 12;

/// How many characters a message has: enough for all that an error lists, of names of common length.
const MESSAGE: usize = 4_000;

/// How long before `now` something was created, as in "3 weeks ago".
pub(crate) fn age(created: Option<Timestamp>, now: Timestamp) -> String {
    let Some(created) = created else {
        return "unknown".to_owned();
    };
    let seconds = now.unix_seconds().saturating_sub(created.unix_seconds());
    let length = HumanDuration(Duration::from_secs(seconds.unsigned_abs()));
    match seconds {
        0 => "now".to_owned(),
        1.. => format!("{length} ago"),
        _ => format!("in {length}"),
    }
}

/// The bytes of all items of an image whose size is known.
pub(crate) fn items_size(image: &Image) -> u64 {
    image
        .big_data
        .values()
        .filter_map(|item| u64::try_from(item.size?).ok())
        .fold(0, u64::saturating_add)
}

/// A number of bytes, as in "1.46 KiB".
pub(crate) fn size(bytes: u64) -> String {
    BinaryBytes(bytes).to_string()
}

/// How many there are of something, as in "1,234 images".
pub(crate) fn count(number: u64, thing: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{} {thing}{plural}", HumanCount(number))
}

/// How many warnings there were, and of which kinds, as in "3 warnings: bad-date 1, item-missing 2".
pub(crate) fn warnings(kinds: &BTreeMap<&'static str, u64>) -> String {
    let each: Vec<_> = kinds
        .iter()
        .map(|(kind, count)| format!("{kind} {count}"))
        .collect();
    format!(
        "{}: {}",
        count(kinds.values().sum(), "warning"),
        each.join(", ")
    )
}

/// The first characters of an ID, enough to tell images apart at a glance.
pub(crate) fn short_id(id: &str) -> String {
    printable(id).chars().take(SHORT_ID).collect()
}

/// Names as a person is shown them.
pub(crate) fn names(names: &[String]) -> String {
    if names.is_empty() {
        return "<none>".to_owned();
    }
    let shown: Vec<_> = names.iter().map(|name| printable(name)).collect();
    shown.join(", ")
}

/// `text` without anything that could move the cursor or change the colours of a terminal: IDs and
/// names are whatever an engine was given.
pub(crate) fn printable(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        if character.is_control() || is_invisible(character) {
            // Writing to a String cannot fail.
            let _ = write!(shown, "{}", character.escape_default());
        } else {
            shown.push(character);
        }
    }
    shown
}

/// A message that is no longer than anybody reads: it may tell of a name that was given and is not
/// one. The middle is left out, since what is wrong stands at the beginning, and what to do at the end.
pub(crate) fn shortened(message: &str) -> Cow<'_, str> {
    let length = message.chars().count();
    if length <= MESSAGE {
        return message.into();
    }
    let beginning = message.chars().take(MESSAGE / 2);
    let end = message.chars().skip(length - MESSAGE / 2);
    beginning.chain(['…']).chain(end).collect()
}

/// Marks that reorder or hide the text around them.
const fn is_invisible(character: char) -> bool {
    matches!(
        character,
        '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}'
    )
}

#[cfg(test)]
mod tests {
    use image_store::Timestamp;

    use super::{age, count, printable, short_id, shortened, size};

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_parts(seconds, 0, 0).unwrap()
    }

    #[test]
    fn ages_are_rounded_to_what_a_person_would_say() {
        const DAY: i64 = 24 * 60 * 60;
        let now = at(1_700_000_000);
        for (seconds, text) in [
            (0, "now"),
            (1, "1 second ago"),
            (59, "59 seconds ago"),
            (3 * 60 * 60, "3 hours ago"),
            (3 * DAY, "3 days ago"),
            (21 * DAY, "3 weeks ago"),
            (800 * DAY, "2 years ago"),
            (-3 * DAY, "in 3 days"),
        ] {
            let created = at(now.unix_seconds() - seconds);
            assert_eq!(age(Some(created), now), text);
        }
        assert_eq!(age(None, now), "unknown");
        assert_eq!(age(Some(Timestamp::ZERO), at(0)), "1970 years ago");
    }

    #[test]
    fn sizes_have_the_unit_that_keeps_them_short() {
        assert_eq!(size(0), "0 B");
        assert_eq!(size(1500), "1.46 KiB");
        assert_eq!(size(u64::MAX), "16.00 EiB");
    }

    #[test]
    fn counts_have_the_number_of_their_thing() {
        assert_eq!(count(0, "image"), "0 images");
        assert_eq!(count(1, "image"), "1 image");
        assert_eq!(count(1_234_567, "item"), "1,234,567 items");
    }

    #[test]
    fn nothing_shown_reaches_the_terminal_as_a_command() {
        assert_eq!(printable("a\u{1b}[31mb\n"), r"a\u{1b}[31mb\n");
        assert_eq!(printable("名前:é"), "名前:é");
        assert_eq!(printable("a\u{202e}b"), r"a\u{202e}b");
        assert_eq!(short_id("0123456789abcdef"), "0123456789ab");
        assert_eq!(short_id("é"), "é");
    }

    #[test]
    fn a_long_message_keeps_its_beginning_and_its_end() {
        let message = format!("no {}; see", "é".repeat(3_992));
        assert_eq!(shortened(&message), message);
        let message = format!("no {}; see", "é".repeat(50_000));
        let short = shortened(&message);
        assert_eq!(short.chars().count(), 4_001);
        assert!(short.starts_with("no éé") && short.ends_with("éé; see"));
        assert!(short.contains("é…é"));
    }
}
