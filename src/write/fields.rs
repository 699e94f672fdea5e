//! Fields that no other image shares: metadata, flags, mapped top layers.

use serde_json::Value;

use crate::engine::Outcome;
use crate::model::limits;
use crate::tables::WriteTables;
use crate::write::put::change;

/// Mirrors `imageStore.SetMetadata`.
pub(crate) fn set_metadata(
    tables: &mut WriteTables<'_>,
    reference: &str,
    metadata: &str,
) -> Outcome<()> {
    limits::check_metadata(metadata)?;
    change(tables, reference, |image| {
        metadata.clone_into(&mut image.metadata);
    })
}

/// Mirrors `imageStore.SetFlag`.
pub(crate) fn set_flag(
    tables: &mut WriteTables<'_>,
    reference: &str,
    flag: &str,
    value: Value,
) -> Outcome<()> {
    limits::check_flag(flag, &value)?;
    change(tables, reference, |image| {
        image.flags.insert(flag.to_owned(), value);
    })
}

/// Mirrors `imageStore.ClearFlag`: a flag that is not set is cleared already.
pub(crate) fn clear_flag(tables: &mut WriteTables<'_>, reference: &str, flag: &str) -> Outcome<()> {
    change(tables, reference, |image| {
        image.flags.remove(flag);
    })
}

/// Mirrors `imageStore.addMappedTopLayer`: a layer that is added twice is there twice.
pub(crate) fn add_mapped_top_layer(
    tables: &mut WriteTables<'_>,
    reference: &str,
    layer: &str,
) -> Outcome<()> {
    limits::check_text("mapped top layer", layer)?;
    change(tables, reference, |image| {
        image.mapped_top_layers.push(layer.to_owned());
    })
}

/// Mirrors `imageStore.removeMappedTopLayer`: every occurrence goes, in whatever case it is written.
pub(crate) fn remove_mapped_top_layer(
    tables: &mut WriteTables<'_>,
    reference: &str,
    layer: &str,
) -> Outcome<()> {
    change(tables, reference, |image| {
        let is_other = |mapped: &String| !equal_fold(mapped, layer);
        image.mapped_top_layers.retain(is_other);
    })
}

/// Whether two texts differ in case alone, as Go's `strings.EqualFold` has it, with which
/// `stringutils.RemoveFromSlice` of the legacy store compares: character by character.
fn equal_fold(one: &str, other: &str) -> bool {
    one == other || one.chars().map(fold).eq(other.chars().map(fold))
}

/// The same for all characters that differ in case alone. A case that takes several characters, as
/// the upper one of a German sharp s, does not count; nor does that of a dotless i, which is an `I`.
fn fold(character: char) -> char {
    const DOTLESS: char = '\u{131}';
    if character == DOTLESS {
        return character;
    }
    let upper = only(character.to_uppercase()).unwrap_or(character);
    only(upper.to_lowercase()).unwrap_or(upper)
}

fn only(mut characters: impl Iterator<Item = char>) -> Option<char> {
    characters.next().filter(|_| characters.next().is_none())
}

#[cfg(test)]
mod tests {
    use super::equal_fold;

    #[test]
    fn case_is_folded_as_go_folds_it() {
        for (one, other) in [
            ("L1", "l1"),
            ("ς", "σ"),
            ("ς", "Σ"),
            ("ᾼ", "ᾳ"),
            ("Ǆ", "ǅ"),
            ("\u{212a}", "k"),
            ("ẞ", "ß"),
            ("ſ", "S"),
            ("µ", "Μ"),
        ] {
            assert!(
                equal_fold(one, other) && equal_fold(other, one),
                "{one} {other}"
            );
        }
        for (one, other) in [
            ("l1", "l2"),
            ("l1", "l11"),
            ("ß", "ss"),
            ("İ", "i"),
            ("ı", "I"),
            ("ı", "i"),
            ("", "a"),
        ] {
            assert!(
                !equal_fold(one, other) && !equal_fold(other, one),
                "{one} {other}"
            );
        }
    }
}
