//! Where texts stand in a list.

use std::collections::HashMap;

/// Up to this length looking through a list is quicker than hashing, and nearly all are shorter.
const SHORT: usize = 16;

/// Texts in their order, and the place of each; of equal ones the last counts.
#[derive(Default)]
pub(super) struct Places<'a> {
    texts: Vec<&'a str>,
    /// Of a list that is not short.
    by_text: HashMap<&'a str, usize>,
}

impl<'a> Places<'a> {
    /// Adds a text; its place.
    pub(super) fn push(&mut self, text: &'a str) -> usize {
        let place = self.texts.len();
        if place == SHORT {
            let short = self.texts.iter().copied().zip(0..);
            self.by_text.extend(short);
        }
        if place >= SHORT {
            self.by_text.insert(text, place);
        }
        self.texts.push(text);
        place
    }

    /// The place of a text.
    pub(super) fn of(&self, text: &str) -> Option<usize> {
        if self.texts.len() > SHORT {
            self.by_text.get(text).copied()
        } else {
            self.texts.iter().rposition(|held| *held == text)
        }
    }

    pub(super) fn texts(&self) -> &[&'a str] {
        &self.texts
    }

    pub(super) fn into_texts(self) -> Vec<&'a str> {
        self.texts
    }
}

impl<'a> FromIterator<&'a str> for Places<'a> {
    fn from_iter<I: IntoIterator<Item = &'a str>>(texts: I) -> Self {
        let mut places = Self::default();
        for text in texts {
            places.push(text);
        }
        places
    }
}

#[cfg(test)]
mod tests {
    use super::{Places, SHORT};

    #[test]
    fn of_equal_texts_the_last_counts_in_lists_of_any_length() {
        let texts: Vec<_> = (0..3 * SHORT)
            .map(|number| (number / 2).to_string())
            .collect();
        for length in 0..texts.len() {
            let listed = || texts.iter().take(length).map(String::as_str);
            let places: Places<'_> = listed().collect();
            for text in &texts {
                let last = listed().collect::<Vec<_>>().iter().rposition(|t| t == text);
                assert_eq!(places.of(text), last, "{text} of {length}");
            }
        }
    }
}
