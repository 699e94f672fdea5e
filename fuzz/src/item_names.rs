//! Where an item lies, by the ID of its image and its key, which may be anything.

use image_store::legacy::testing::item_path;
use image_store::legacy::{item_file_name, item_key};

/// Checks what must hold for an ID and a key, which a line break parts.
///
/// # Panics
///
/// Where something does not hold.
pub fn check(text: &[u8]) {
    let text = String::from_utf8_lossy(text);
    let (id, key) = text.split_once('\n').unwrap_or(("image", &text));

    let name = item_file_name(key);
    let is_plain = |c: char| c.is_ascii_digit() || c.is_ascii_lowercase() || c == '.';
    let last = key.char_indices().next_back().map_or(0, |(at, _)| at);
    let stays = key
        .get(..last)
        .is_some_and(|before| before.chars().all(is_plain));
    assert_eq!(name == key, stays, "{key:?} {name:?}");

    // A name that can be one leads back to its key, and no other does.
    let is_one = !name.contains(['/', '\0']) && !matches!(name.as_str(), "" | "." | "..");
    match item_key(&name) {
        Some(back) => assert_eq!(back, key),
        None => assert!(!is_one || name.len() > 255, "{key:?} {name:?}"),
    }
    if let Some(back) = item_key(key) {
        assert_eq!(item_file_name(&back), key);
    }

    // The way there is the cleaned path, and never leads out.
    let path = item_path(id, key);
    assert_eq!(path, cleaned(id, &name), "{id:?} {key:?}");
    for step in path.into_iter().flatten() {
        assert!(!matches!(step.as_str(), "" | "." | ".."), "{step:?}");
        assert!(!step.contains(['/', '\0']), "{step:?}");
    }
}

/// The steps of `id/name` as a path cleaner has them that knows where it is; `None` where they leave
/// the directory on the way, or cannot be a path.
fn cleaned(id: &str, name: &str) -> Option<Vec<String>> {
    let whole = format!("{id}/{name}");
    if whole.contains('\0') {
        return None;
    }
    let mut steps: Vec<String> = Vec::new();
    for component in std::path::Path::new(&whole).components() {
        use std::path::Component;
        match component {
            Component::RootDir | Component::CurDir => {}
            Component::ParentDir => drop(steps.pop()?),
            Component::Normal(step) => steps.push(step.to_str()?.to_owned()),
            Component::Prefix(_) => return None,
        }
    }
    Some(steps)
}
