//! The configuration that an image brings along as one of its items: labels and history.

use std::collections::BTreeMap;
use std::io::Read as _;

use image_store::{Error, Image, Lookup, Result};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A configuration that is longer than this is none.
const LIMIT: u64 = 16 << 20;

/// What is read of the configuration of an image, as OCI and Docker write it.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct ImageConfig {
    #[serde(default)]
    config: Option<Settings>,
    #[serde(default)]
    history: Option<Vec<HistoryStep>>,
}

#[derive(Debug, Default, Deserialize)]
struct Settings {
    #[serde(default, rename = "Labels")]
    labels: Option<BTreeMap<String, Value>>,
}

/// How one layer came to be.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub(crate) struct HistoryStep {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) created: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) created_by: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) comment: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) empty_layer: Option<bool>,
    /// What nobody here asks for is passed on as it is.
    #[serde(flatten)]
    others: BTreeMap<String, Value>,
}

#[derive(Deserialize)]
struct Manifest {
    config: Option<Descriptor>,
}

#[derive(Deserialize)]
struct Descriptor {
    digest: String,
}

impl ImageConfig {
    /// The configuration of `image`; `None` where it has none, or none that can be understood.
    ///
    /// Engines keep it as the item `sha256:` and the ID, or as the one that the manifest names.
    pub(crate) fn of(lookup: &impl Lookup, image: &Image) -> Result<Option<Self>> {
        let mut key = format!("sha256:{}", image.id);
        if !has(image, &key) {
            let Some(manifest) = json::<Manifest>(lookup, image, "manifest")? else {
                return Ok(None);
            };
            let Some(config) = manifest.config else {
                return Ok(None);
            };
            key = config.digest;
        }
        json(lookup, image, &key)
    }

    pub(crate) fn labels(&self) -> BTreeMap<String, String> {
        let labels = self.config.iter().flat_map(|config| &config.labels);
        labels
            .flatten()
            .map(|(name, value)| {
                let text = value.as_str().map(str::to_owned);
                (name.clone(), text.unwrap_or_else(|| value.to_string()))
            })
            .collect()
    }

    /// The steps that made the image, the oldest first.
    pub(crate) fn history(&self) -> &[HistoryStep] {
        self.history.as_deref().unwrap_or_default()
    }
}

fn has(image: &Image, key: &str) -> bool {
    let item = image.big_data.get(key);
    item.is_some_and(|item| item.content.is_some())
}

/// Reads an item as JSON; `None` where there is no such item, or it is something else.
fn json<T: for<'de> Deserialize<'de>>(
    lookup: &impl Lookup,
    image: &Image,
    key: &str,
) -> Result<Option<T>> {
    if !has(image, key) {
        return Ok(None);
    }
    let mut reader = lookup.big_data_reader(&image.id, key)?;
    if reader.size() > LIMIT {
        return Ok(None);
    }
    let mut bytes = Vec::new();
    reader
        .read_to_end(&mut bytes)
        .map_err(|source| store_error(source, key))?;
    Ok(serde_json::from_slice(&bytes).ok())
}

/// What the store said of an item that could not be read.
pub(crate) fn store_error(error: std::io::Error, key: &str) -> Error {
    match error.downcast::<Error>() {
        Ok(error) => error,
        Err(source) => Error::Input {
            key: key.to_owned(),
            source,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::ImageConfig;

    #[test]
    fn what_is_missing_or_null_is_empty() {
        for text in [
            "{}",
            r#"{"config": null, "history": null}"#,
            r#"{"config": {"Labels": null}}"#,
        ] {
            let config: ImageConfig = serde_json::from_str(text).unwrap();
            assert!(config.labels().is_empty(), "{text}");
            assert!(config.history().is_empty(), "{text}");
        }
        let text = r#"{"config": {"Labels": {"a": "b", "n": 1}}}"#;
        let config: ImageConfig = serde_json::from_str(text).unwrap();
        let labels: Vec<_> = config.labels().into_iter().collect();
        assert_eq!(
            labels,
            [
                ("a".to_owned(), "b".to_owned()),
                ("n".to_owned(), "1".to_owned())
            ]
        );
    }
}
