//! Where the legacy store keeps the bytes of an item.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// The longest name of a file that common file systems take, in bytes.
pub(crate) const NAME_MAX: usize = 255;

/// The name of the file in which the legacy store keeps the item `key`: the key itself where at
/// most its last character is none of `0-9`, `a-z` and `.`, else `=` and the standard base64 of the
/// key.
///
/// Mirrors `makeBigDataBaseName` of the legacy store, which appends it to the folder of the image
/// and cleans the resulting path: the name may hold a slash, or be `..`, so do not open it as it is.
///
/// # Examples
///
/// ```
/// use image_store::legacy::item_file_name;
///
/// assert_eq!(item_file_name("manifest"), "manifest");
/// assert_eq!(item_file_name("manifestX"), "manifestX");
/// assert_eq!(item_file_name("Xmanifest"), "=WG1hbmlmZXN0");
/// ```
#[must_use]
pub fn item_file_name(key: &str) -> String {
    let is_plain = |c: char| matches!(c, '0'..='9' | 'a'..='z' | '.');
    let mut rest = key.chars();
    // The first character that is not plain is looked at too before it is asked what is left.
    let all_plain = rest.all(is_plain);
    if all_plain || rest.as_str().is_empty() {
        return key.to_owned();
    }
    let mut name = String::with_capacity(1 + key.len().div_ceil(3) * 4);
    name.push('=');
    STANDARD.encode_string(key, &mut name);
    name
}

/// The key of the item that the legacy store keeps in the file `name`, or `None` where it would not
/// keep one there. Of two keys that lead to one file it is the one without a slash.
///
/// # Examples
///
/// ```
/// use image_store::legacy::item_key;
///
/// assert_eq!(item_key("manifest").as_deref(), Some("manifest"));
/// assert_eq!(item_key("=WG1hbmlmZXN0").as_deref(), Some("Xmanifest"));
/// assert_eq!(item_key("=bWFuaWZlc3Q="), None);
/// assert_eq!(item_key("=").as_deref(), Some("="));
/// ```
#[must_use]
pub fn item_key(name: &str) -> Option<String> {
    let decode = |encoded| String::from_utf8(STANDARD.decode(encoded).ok()?).ok();
    let decoded = name.strip_prefix('=').and_then(decode);
    // The key `=` is its own file name.
    let keys = decoded.into_iter().chain([name.to_owned()]);
    let mut keys = keys.filter(|key| is_file_name(name) && item_file_name(key) == name);
    keys.next()
}

/// The names on the way from the images directory to the folder of the image `id`, or `None` where
/// it leads out of the directory or cannot be a path at all.
pub(crate) fn folder_path(id: &str) -> Option<Vec<&str>> {
    extend(Vec::new(), id)
}

/// The names on the way from the images directory to `file` in `folder`, or `None` where it leads
/// out of the directory or cannot be a path at all.
pub(crate) fn file_path<'a>(folder: &[&'a str], file: &'a str) -> Option<Vec<&'a str>> {
    extend(folder.to_vec(), file)
}

/// Whether `name` can be the name of one file or folder of its own.
pub(crate) fn is_file_name(name: &str) -> bool {
    !matches!(name, "" | "." | "..") && !name.contains(['/', '\0']) && name.len() <= NAME_MAX
}

/// Cleans the path as the legacy store does, by its text alone.
fn extend<'a>(mut names: Vec<&'a str>, path: &'a str) -> Option<Vec<&'a str>> {
    if path.contains('\0') {
        return None;
    }
    for name in path.split('/') {
        match name {
            "" | "." => {}
            ".." => {
                names.pop()?;
            }
            name => names.push(name),
        }
    }
    Some(names)
}

#[cfg(test)]
mod tests {
    use super::{file_path, folder_path, is_file_name, item_file_name};

    #[test]
    fn a_key_is_its_own_file_name_but_for_odd_characters_before_the_last() {
        for key in [
            "", "manifest", "0.9", "A", "aB", "ab-", "é", "aé", ".", "..", "=", "end/",
        ] {
            assert_eq!(item_file_name(key), key);
        }
        for (key, name) in [
            ("UPPER", "=VVBQRVI="),
            ("a_b", "=YV9i"),
            ("aéb", "=YcOpYg=="),
            ("==", "=PT0="),
            ("%2e", "=JTJl"),
            ("キー", "=44Kt44O8"),
            ("a/b", "=YS9i"),
            ("../x", "=Li4veA=="),
            ("~~~", "=fn5+"),
            ("???", "=Pz8/"),
        ] {
            assert_eq!(item_file_name(key), name);
        }
    }

    #[test]
    fn paths_are_cleaned_and_never_lead_out() {
        assert_eq!(folder_path("abc"), Some(vec!["abc"]));
        assert_eq!(folder_path("sub/dir/"), Some(vec!["sub", "dir"]));
        assert_eq!(folder_path("/abs"), Some(vec!["abs"]));
        assert_eq!(folder_path("a/../b"), Some(vec!["b"]));
        for inside in ["", ".", "/", "a/.."] {
            assert_eq!(folder_path(inside), Some(vec![]));
        }
        for outside in ["..", "../evil", "a/../../b", "/..", "nul\0"] {
            assert_eq!(folder_path(outside), None);
        }

        assert_eq!(file_path(&["a"], "end/"), Some(vec!["a", "end"]));
        assert_eq!(file_path(&["a"], "."), Some(vec!["a"]));
        assert_eq!(file_path(&["a"], ".."), Some(vec![]));
        assert_eq!(file_path(&[], ".."), None);
        assert_eq!(file_path(&["a"], "\0"), None);
        assert_eq!(file_path(&["a"], "=Pz8/"), Some(vec!["a", "=Pz8"]));
    }

    #[test]
    fn one_name_is_one_component() {
        let longest = "x".repeat(255);
        for name in ["a", "with space", "...", &longest] {
            assert!(is_file_name(name), "{name}");
        }
        let too_long = "x".repeat(256);
        for name in ["", ".", "..", "a/b", "/", "nul\0", &too_long] {
            assert!(!is_file_name(name), "{name}");
        }
    }
}
