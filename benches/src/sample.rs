//! Images like those that container engines store, the same in every run.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Result;
use image_store::{Access, ImageStore, Lookup, NewImage, Prefix};
use sha2::{Digest as _, Sha256};

/// How many layers a sampled image has.
const LAYERS: u64 = 5;

/// How many images one transaction adds while a store is filled.
const CHUNK: u64 = 20_000;

/// 64 hexadecimal digits that depend on what they are for and on a number.
#[must_use]
pub fn hex_of(kind: &str, number: u64) -> String {
    hex::encode(Sha256::digest(format!("{kind} {number}")))
}

/// The ID of sample `number`.
#[must_use]
pub fn id(number: u64) -> String {
    hex_of("id", number)
}

/// The name of sample `number`.
#[must_use]
pub fn name(number: u64) -> String {
    format!(
        "registry{}.example.com/team{}/service-{}:build-{number}",
        number % 7,
        number % 113,
        number % 4099
    )
}

/// The digest of sample `number`.
#[must_use]
pub fn digest(number: u64) -> String {
    format!("sha256:{}", hex_of("digest", number))
}

/// The top layer of sample `number`.
#[must_use]
pub fn layer(number: u64) -> String {
    hex_of("top layer", number)
}

/// The key of the config item of sample `number`.
#[must_use]
pub fn config_key(number: u64) -> String {
    format!("sha256:{}", id(number))
}

/// A manifest of about 1 KiB.
#[must_use]
pub fn manifest(number: u64) -> Vec<u8> {
    let mut text = format!(
        r#"{{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{{"mediaType":"application/vnd.oci.image.config.v1+json","size":4096,"digest":"sha256:{}"}},"layers":["#,
        id(number)
    );
    for index in 0..LAYERS {
        let comma = if index == 0 { "" } else { "," };
        let digest = hex_of("layer", number * LAYERS + index);
        let size = 1_000 + number * 7_919 % 90_000_000;
        let _ = write!(
            text,
            r#"{comma}{{"mediaType":"application/vnd.oci.image.layer.v1.tar+gzip","size":{size},"digest":"sha256:{digest}"}}"#
        );
    }
    text.push_str("]}");
    text.into_bytes()
}

/// A config of about 4 KiB.
#[must_use]
pub fn config(number: u64) -> Vec<u8> {
    let mut text = format!(
        r#"{{"created":"2024-05-1{}T03:11:22.123456789Z","architecture":"amd64","os":"linux","config":{{"Env":["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin""#,
        number % 10
    );
    for index in 0..8 {
        let value = hex_of("variable", number * 8 + index);
        let _ = write!(text, r#","VAR_{index}={}""#, &value[..32]);
    }
    let _ = write!(
        text,
        r#"],"Cmd":["/bin/sh","-c","exec app-{number}"],"Labels":{{"#
    );
    for index in 0..12 {
        let comma = if index == 0 { "" } else { "," };
        let _ = write!(
            text,
            r#"{comma}"org.example.label.{index}":"value {number} {index}""#
        );
    }
    text.push_str(r#"},"WorkingDir":"/srv"},"rootfs":{"type":"layers","diff_ids":["#);
    for index in 0..2 * LAYERS {
        let comma = if index == 0 { "" } else { "," };
        let layer = hex_of("diff", number * 2 * LAYERS + index);
        let _ = write!(text, r#"{comma}"sha256:{layer}""#);
    }
    text.push_str(r#"]},"history":["#);
    for index in 0..2 * LAYERS {
        let comma = if index == 0 { "" } else { "," };
        let _ = write!(
            text,
            r#"{comma}{{"created":"2024-01-01T00:00:00Z","created_by":"/bin/sh -c apt-get update && apt-get install -y package-{number}-{index} # buildkit","comment":"buildkit.dockerfile.v0"}}"#
        );
    }
    text.push_str("]}");
    text.into_bytes()
}

/// Sample `number` without items.
#[must_use]
pub fn bare_image(number: u64) -> NewImage {
    let mut image = NewImage::new()
        .id(id(number))
        .name(name(number))
        .digest(digest(number))
        .top_layer(layer(number))
        .metadata("{}");
    image.names_history = image.names.clone();
    image
}

/// Sample `number` with a manifest of 1 KiB and a config of 4 KiB.
#[must_use]
pub fn image(number: u64) -> NewImage {
    bare_image(number)
        .big_data_with_digest("manifest", manifest(number), digest(number))
        .big_data(config_key(number), config(number))
}

/// Sample `number` with the record of an image that has three items, whose bytes all images share:
/// a million times 5 KiB would measure the disk.
#[must_use]
pub fn shared_items_image(number: u64) -> NewImage {
    let digest = digest(number);
    bare_image(number)
        .big_data_with_digest(format!("manifest-{digest}"), manifest(0), digest.as_str())
        .big_data(config_key(number), config(0))
        .big_data_with_digest("manifest", manifest(0), digest)
}

/// The store of samples `0..count` in the folder `work`, to copy. It is kept from run to run.
///
/// # Errors
///
/// Those of the library and of the system.
pub fn base(work: &Path, count: u64) -> Result<PathBuf> {
    let path = work.join(format!("base-{count}.redb"));
    if !path.exists() {
        fs::create_dir_all(work)?;
        // One that was not filled to the end is no base.
        let new = path.with_extension("new");
        let _ = fs::remove_file(&new);
        fill(&new, count)?;
        fs::rename(&new, &path)?;
    }
    Ok(path)
}

/// Makes a store of samples `0..count` whose items share their bytes.
///
/// # Errors
///
/// Those of the library.
pub fn fill(path: &Path, count: u64) -> Result<()> {
    let options = ImageStore::options().access(Access::Exclusive);
    let store = options.cache_size(1 << 30).open(path)?;
    for first in (0..count).step_by(usize::try_from(CHUNK)?) {
        let mut transaction = store.write()?;
        for number in first..count.min(first + CHUNK) {
            transaction.create(shared_items_image(number))?;
        }
        transaction.commit()?;
    }
    assert_eq!(store.len()?, count);
    assert_eq!(store.ids(Prefix::all())?.take(1).count(), 1);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{config, manifest};

    #[test]
    fn items_are_as_long_as_is_said() {
        for number in [0, 999_999] {
            assert!(
                (900..1_150).contains(&manifest(number).len()),
                "{}",
                manifest(number).len()
            );
            assert!(
                (3_600..4_400).contains(&config(number).len()),
                "{}",
                config(number).len()
            );
        }
    }
}
