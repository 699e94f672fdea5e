//! The requests of the protocol and the fields that each has.

use std::collections::BTreeMap;

use image_store::{NewImage, Timestamp};
use serde::Deserialize;
use serde::de::IntoDeserializer as _;
use serde::de::value::Error as NameError;
use serde_json::Value;
use serde_json::value::RawValue;

use super::fields::{BadRequest, Bytes, Fields};

/// The name of a request.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Op {
    Create,
    Exists,
    Get,
    Images,
    ByDigest,
    SetNames,
    AddNames,
    RemoveNames,
    Delete,
    AddMappedTopLayer,
    RemoveMappedTopLayer,
    Metadata,
    SetMetadata,
    BigData,
    BigDataSize,
    BigDataDigest,
    BigDataNames,
    SetBigData,
    SetFlag,
    ClearFlag,
    GarbageCollect,
    Wipe,
    Reopen,
    ByIdPrefix,
    NamesWithPrefix,
    ByTopLayer,
    Begin,
    Commit,
    Abort,
}

impl Op {
    /// Takes the name from the fields of a request.
    pub(super) fn of(fields: &mut Fields<'_>) -> Result<Self, BadRequest> {
        let name: String = fields.required("op")?;
        Self::deserialize(name.as_str().into_deserializer())
            .map_err(|error: NameError| BadRequest(format!("the field \"op\": {error}")))
    }

    /// Whether it would change a store, or prepare to, so that a read-only store refuses it.
    pub(super) const fn changes(self) -> bool {
        match self {
            Self::Create
            | Self::SetNames
            | Self::AddNames
            | Self::RemoveNames
            | Self::Delete
            | Self::AddMappedTopLayer
            | Self::RemoveMappedTopLayer
            | Self::SetMetadata
            | Self::SetBigData
            | Self::SetFlag
            | Self::ClearFlag
            | Self::GarbageCollect
            | Self::Wipe
            | Self::Begin => true,
            Self::Exists
            | Self::Get
            | Self::Images
            | Self::ByDigest
            | Self::Metadata
            | Self::BigData
            | Self::BigDataSize
            | Self::BigDataDigest
            | Self::BigDataNames
            | Self::Reopen
            | Self::ByIdPrefix
            | Self::NamesWithPrefix
            | Self::ByTopLayer
            | Self::Commit
            | Self::Abort => false,
        }
    }
}

/// A request with all its fields.
#[derive(Debug)]
pub(super) enum Request {
    Look(Look),
    Change(Change),
    Control(Control),
}

/// Questions, which change nothing.
#[derive(Debug)]
pub(super) enum Look {
    Exists { id: String },
    Get { id: String },
    Images,
    ByDigest { digest: String },
    ByTopLayer { layer: String },
    ByIdPrefix(Page),
    NamesWithPrefix(Page),
    Metadata { id: String },
    BigData { id: String, key: String },
    BigDataSize { id: String, key: String },
    BigDataDigest { id: String, key: String },
    BigDataNames { id: String },
}

/// A part of an ascending list.
#[derive(Debug)]
pub(super) struct Page {
    pub(super) prefix: String,
    pub(super) after: Option<String>,
    pub(super) limit: Option<u64>,
}

/// Steps of a transaction.
#[derive(Debug)]
pub(super) enum Change {
    Create(Box<NewImage>),
    SetNames {
        id: String,
        names: Vec<String>,
    },
    AddNames {
        id: String,
        names: Vec<String>,
    },
    RemoveNames {
        id: String,
        names: Vec<String>,
    },
    Delete {
        id: String,
    },
    AddMappedTopLayer {
        id: String,
        layer: String,
    },
    RemoveMappedTopLayer {
        id: String,
        layer: String,
    },
    SetMetadata {
        id: String,
        metadata: String,
    },
    SetBigData(SetBigData),
    SetFlag {
        id: String,
        flag: String,
        value: Value,
    },
    ClearFlag {
        id: String,
        flag: String,
    },
    GarbageCollect,
    Wipe,
}

#[derive(Debug)]
pub(super) struct SetBigData {
    pub(super) id: String,
    pub(super) key: String,
    pub(super) data: Vec<u8>,
    pub(super) digest: DigestFunction,
}

/// What the caller's digest function says of a manifest.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum DigestFunction {
    Sha256,
    Returns(String),
    Missing,
}

/// What concerns the session rather than the images.
#[derive(Clone, Copy, Debug)]
pub(super) enum Control {
    Begin,
    Commit,
    Abort,
    Reopen,
}

impl Request {
    /// Takes the fields of the request that `op` names, and refuses any others.
    pub(super) fn read(op: Op, mut fields: Fields<'_>) -> Result<Self, BadRequest> {
        let from = &mut fields;
        let request = match op {
            Op::Exists => Self::Look(Look::Exists { id: id(from)? }),
            Op::Get => Self::Look(Look::Get { id: id(from)? }),
            Op::Images => Self::Look(Look::Images),
            Op::ByDigest => Self::Look(Look::ByDigest {
                digest: from.required("digest")?,
            }),
            Op::ByTopLayer => Self::Look(Look::ByTopLayer {
                layer: layer(from)?,
            }),
            Op::ByIdPrefix => Self::Look(Look::ByIdPrefix(page(from)?)),
            Op::NamesWithPrefix => Self::Look(Look::NamesWithPrefix(page(from)?)),
            Op::Metadata => Self::Look(Look::Metadata { id: id(from)? }),
            Op::BigData => Self::Look(Look::BigData {
                id: id(from)?,
                key: key(from)?,
            }),
            Op::BigDataSize => Self::Look(Look::BigDataSize {
                id: id(from)?,
                key: key(from)?,
            }),
            Op::BigDataDigest => Self::Look(Look::BigDataDigest {
                id: id(from)?,
                key: key(from)?,
            }),
            Op::BigDataNames => Self::Look(Look::BigDataNames { id: id(from)? }),

            Op::Create => Self::Change(Change::Create(Box::new(new_image(from)?))),
            Op::SetNames => Self::Change(Change::SetNames {
                id: id(from)?,
                names: names(from)?,
            }),
            Op::AddNames => Self::Change(Change::AddNames {
                id: id(from)?,
                names: names(from)?,
            }),
            Op::RemoveNames => Self::Change(Change::RemoveNames {
                id: id(from)?,
                names: names(from)?,
            }),
            Op::Delete => Self::Change(Change::Delete { id: id(from)? }),
            Op::AddMappedTopLayer => Self::Change(Change::AddMappedTopLayer {
                id: id(from)?,
                layer: layer(from)?,
            }),
            Op::RemoveMappedTopLayer => Self::Change(Change::RemoveMappedTopLayer {
                id: id(from)?,
                layer: layer(from)?,
            }),
            Op::SetMetadata => Self::Change(Change::SetMetadata {
                id: id(from)?,
                metadata: from.required("metadata")?,
            }),
            Op::SetBigData => Self::Change(Change::SetBigData(set_big_data(from)?)),
            Op::SetFlag => Self::Change(Change::SetFlag {
                id: id(from)?,
                flag: flag(from)?,
                value: from.required("value")?,
            }),
            Op::ClearFlag => Self::Change(Change::ClearFlag {
                id: id(from)?,
                flag: flag(from)?,
            }),
            Op::GarbageCollect => Self::Change(Change::GarbageCollect),
            Op::Wipe => Self::Change(Change::Wipe),

            Op::Begin => Self::Control(Control::Begin),
            Op::Commit => Self::Control(Control::Commit),
            Op::Abort => Self::Control(Control::Abort),
            Op::Reopen => Self::Control(Control::Reopen),
        };
        fields.finish()?;
        Ok(request)
    }
}

fn id(fields: &mut Fields<'_>) -> Result<String, BadRequest> {
    fields.required("id")
}

fn key(fields: &mut Fields<'_>) -> Result<String, BadRequest> {
    fields.required("key")
}

fn layer(fields: &mut Fields<'_>) -> Result<String, BadRequest> {
    fields.required("layer")
}

fn flag(fields: &mut Fields<'_>) -> Result<String, BadRequest> {
    fields.required("flag")
}

fn names(fields: &mut Fields<'_>) -> Result<Vec<String>, BadRequest> {
    fields.required("names")
}

fn page(fields: &mut Fields<'_>) -> Result<Page, BadRequest> {
    Ok(Page {
        prefix: fields.required("prefix")?,
        after: fields.optional("after")?,
        limit: fields.optional("limit")?,
    })
}

fn new_image(fields: &mut Fields<'_>) -> Result<NewImage, BadRequest> {
    let mut image = NewImage::new();
    image.id = text(fields, "id")?;
    image.names = list(fields, "names")?;
    image.top_layer = text(fields, "layer")?;
    image.metadata = text(fields, "metadata")?.unwrap_or_default();
    image.digest = text(fields, "digest")?;
    // Of no effect, as in the legacy store, but a list of texts all the same.
    list(fields, "digests")?;
    image.names_history = list(fields, "names-history")?;
    image.created = created(fields)?;
    let flags: Option<BTreeMap<String, Value>> = fields.optional("flags")?;
    image.flags = flags.unwrap_or_default();
    for (key, data, digest) in fields.objects("big-data", new_big_data)? {
        image = match digest {
            Some(digest) => image.big_data_with_digest(key, data, digest),
            None => image.big_data(key, data),
        };
    }
    Ok(image)
}

/// The key, the bytes and the digest of an item of a new image.
fn new_big_data(fields: &mut Fields<'_>) -> Result<(String, Vec<u8>, Option<String>), BadRequest> {
    let key = key(fields)?;
    let Bytes(data) = fields.required("data")?;
    Ok((key, data, text(fields, "digest")?))
}

/// An optional text; the empty one is as good as absent.
fn text(fields: &mut Fields<'_>, name: &'static str) -> Result<Option<String>, BadRequest> {
    let text: Option<String> = fields.optional(name)?;
    Ok(text.filter(|text| !text.is_empty()))
}

fn list(fields: &mut Fields<'_>, name: &'static str) -> Result<Vec<String>, BadRequest> {
    Ok(fields.optional(name)?.unwrap_or_default())
}

fn created(fields: &mut Fields<'_>) -> Result<Option<Timestamp>, BadRequest> {
    let text: Option<String> = fields.optional("created")?;
    text.map(|text| text.parse())
        .transpose()
        .map_err(|error| BadRequest(format!("the field \"created\": {error}")))
}

fn set_big_data(fields: &mut Fields<'_>) -> Result<SetBigData, BadRequest> {
    let id = id(fields)?;
    let key = key(fields)?;
    let Bytes(data) = fields.required("data")?;
    let returned: Option<String> = fields.optional("manifest-digest")?;
    let missing: Option<bool> = fields.optional("no-manifest-digest")?;
    let digest = match (returned, missing.unwrap_or(false)) {
        (None, false) => DigestFunction::Sha256,
        (Some(digest), false) => DigestFunction::Returns(digest),
        (None, true) => DigestFunction::Missing,
        (Some(_), true) => {
            return Err(BadRequest(
                "the fields \"manifest-digest\" and \"no-manifest-digest\" exclude each other"
                    .to_owned(),
            ));
        }
    };
    Ok(SetBigData {
        id,
        key,
        data,
        digest,
    })
}

/// What a request wants its reply to carry, if anything.
pub(super) fn seq(fields: &mut Fields<'_>) -> Option<Box<RawValue>> {
    fields.raw("seq").map(ToOwned::to_owned)
}
