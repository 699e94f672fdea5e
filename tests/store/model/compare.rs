//! Every lookup, asked of a store and of the model.

use std::collections::BTreeSet;
use std::io::Read as _;

use image_store::{Error, Image, Lookup, Prefix};

use crate::model::legacy::Legacy;
use crate::model::pools::{DIGESTS, FAMILY, IDS, KEYS, LAYERS, NAMES};
use crate::support::all_images;

/// Compares everything that can be looked up.
pub(crate) fn compare(lookup: &impl Lookup, model: &Legacy) {
    compare_images(lookup, model);
    compare_references(lookup, model);
    compare_listings(lookup, model);
    compare_groups(lookup, model);
    compare_items(lookup, model);
}

/// Compares the images alone.
pub(crate) fn compare_images(lookup: &impl Lookup, model: &Legacy) {
    assert_eq!(all_images(lookup), model.images);
    assert_eq!(lookup.len().unwrap(), model.images.len() as u64);
    assert_eq!(lookup.is_empty().unwrap(), model.images.is_empty());
}

/// IDs and names, present and not, and the beginnings of the present IDs.
fn references(model: &Legacy) -> BTreeSet<String> {
    let mut references: BTreeSet<String> = IDS.iter().cloned().collect();
    references.extend(NAMES.iter().map(ToString::to_string));
    references.insert("unknown".to_owned());
    for image in &model.images {
        for (length, _) in image.id.char_indices().take(5) {
            references.insert(image.id[..length].to_owned());
        }
        references.extend(
            image
                .id
                .char_indices()
                .last()
                .map(|(i, _)| image.id[..i].to_owned()),
        );
        references.insert(format!("{}0", image.id));
    }
    references
}

fn compare_references(lookup: &impl Lookup, model: &Legacy) {
    for reference in references(model) {
        let expected = model.find(&reference).map(|index| &model.images[index]);
        assert_eq!(lookup.exists(&reference).unwrap(), expected.is_ok());
        match (lookup.get(&reference), expected) {
            (Ok(image), Ok(expected)) => assert_eq!(&image, expected, "{reference:?}"),
            (Err(error), Err(kind)) => {
                assert_eq!(error.kind(), kind);
                compare_ambiguity(&error, model, &reference);
            }
            (found, expected) => panic!("{reference:?}: {found:?} is not {expected:?}"),
        }
    }
}

fn compare_ambiguity(error: &Error, model: &Legacy, prefix: &str) {
    let all = model.candidates(prefix);
    match error {
        Error::ImageUnknown { reference } => {
            assert_eq!(reference, prefix);
            assert!(all.is_empty(), "{prefix:?} begins {all:?}");
        }
        Error::AmbiguousPrefix {
            reference,
            candidates,
            more,
        } => {
            assert_eq!(reference, prefix);
            assert_eq!(*candidates, all[..all.len().min(10)]);
            assert_eq!(*more, all.len() > 10);
        }
        other => panic!("{other:?}"),
    }
}

/// Pairs of a key and an ID in order, those whose key has the prefix and comes after another.
fn page<'a>(
    all: &'a [(String, String)],
    prefix: &str,
    after: Option<&str>,
) -> Vec<&'a (String, String)> {
    all.iter()
        .filter(|(key, _)| key.starts_with(prefix))
        .filter(|(key, _)| after.is_none_or(|after| key.as_str() > after))
        .collect()
}

fn compare_listings(lookup: &impl Lookup, model: &Legacy) {
    let mut ids = Vec::new();
    let mut names = Vec::new();
    let mut digests = Vec::new();
    for image in &model.images {
        let owned = |key: &String| (key.clone(), image.id.clone());
        ids.push(owned(&image.id));
        names.extend(image.names.iter().map(owned));
        digests.extend(image.digests.iter().map(owned));
    }
    ids.sort();
    names.sort();
    // One digest's images come in the order of their creation, which a stable sort keeps.
    digests.sort_by(|(a, _), (b, _)| a.cmp(b));

    for prefix in [
        "",
        "a",
        "ab",
        "0",
        "n1",
        "sha",
        "sha256:",
        "日",
        "\u{10ffff}",
        "none",
        "01",
        "012",
        &FAMILY[..63],
        FAMILY,
        "0123456789ABC",
        "sha256:0",
    ] {
        for after in [
            None,
            Some(""),
            Some("ab"),
            Some("n2"),
            Some("sha256:"),
            Some("日本"),
            Some(&FAMILY[..31]),
            Some(FAMILY),
        ] {
            let query = match after {
                None => Prefix::new(prefix),
                Some(after) => Prefix::new(prefix).after(after),
            };
            let listed: Vec<String> = lookup.ids(query).unwrap().map(Result::unwrap).collect();
            let expected: Vec<&String> = page(&ids, prefix, after)
                .into_iter()
                .map(|(id, _)| id)
                .collect();
            assert_eq!(listed.iter().collect::<Vec<_>>(), expected, "{query:?}");

            let listed = lookup.names(query).unwrap().map(Result::unwrap);
            let listed: Vec<_> = listed.map(|entry| (entry.name, entry.id)).collect();
            assert_eq!(
                listed.iter().collect::<Vec<_>>(),
                page(&names, prefix, after),
                "{query:?}"
            );

            let listed = lookup.digests(query).unwrap().map(Result::unwrap);
            let listed: Vec<_> = listed.map(|entry| (entry.digest, entry.id)).collect();
            assert_eq!(
                listed.iter().collect::<Vec<_>>(),
                page(&digests, prefix, after),
                "{query:?}"
            );
        }
    }
}

fn compare_groups(lookup: &impl Lookup, model: &Legacy) {
    let matching = |is: &dyn Fn(&Image) -> bool| {
        let images = model.images.iter().filter(|image| is(image));
        images.cloned().collect::<Vec<_>>()
    };
    let mut digests: BTreeSet<String> = DIGESTS.iter().cloned().collect();
    digests.extend(model.images.iter().flat_map(|image| image.digests.clone()));
    for digest in digests {
        let expected = matching(&|image| image.digests.contains(&digest));
        match lookup.by_digest(&digest) {
            Ok(images) => assert_eq!(images.map(Result::unwrap).collect::<Vec<_>>(), expected),
            Err(Error::DigestOfNoImage { digest: unknown }) => {
                assert_eq!(unknown, digest);
                assert!(expected.is_empty());
            }
            Err(error) => panic!("{error:?}"),
        }
    }
    for layer in LAYERS {
        let expected = matching(&|image| {
            let mut layers = image.top_layer.iter().chain(&image.mapped_top_layers);
            layers.any(|has| has == layer)
        });
        let found = lookup.by_top_layer(layer).unwrap();
        assert_eq!(found.map(Result::unwrap).collect::<Vec<_>>(), expected);
    }
}

fn compare_items(lookup: &impl Lookup, model: &Legacy) {
    for image in &model.images {
        let id = image.id.as_str();
        assert_eq!(lookup.metadata(id).unwrap(), image.metadata);
        assert_eq!(lookup.big_data_names(id).unwrap(), image.big_data_names);
        for key in KEYS.iter() {
            let Some(item) = image.big_data.get(key) else {
                let kind = if key.is_empty() {
                    ["invalid-big-data-name"; 3]
                } else {
                    ["big-data-unknown", "size-unknown", "digest-unknown"]
                };
                assert_eq!(
                    lookup.big_data(id, key).unwrap_err().kind().as_str(),
                    kind[0]
                );
                assert_eq!(
                    lookup.big_data_size(id, key).unwrap_err().kind().as_str(),
                    kind[1]
                );
                assert_eq!(
                    lookup.big_data_digest(id, key).unwrap_err().kind().as_str(),
                    kind[2]
                );
                continue;
            };
            let bytes = &model.bytes[&item.content.unwrap()];
            assert_eq!(lookup.big_data_size(id, key).unwrap(), bytes.len() as u64);
            assert_eq!(lookup.big_data_digest(id, key).ok(), item.digest);
            assert!(lookup.big_data(id, key).unwrap() == *bytes);
            let mut reader = lookup.big_data_reader(id, key).unwrap();
            let mut streamed = Vec::new();
            reader.read_to_end(&mut streamed).unwrap();
            assert!(streamed == *bytes);
        }
    }
}
