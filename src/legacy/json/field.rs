//! The fields of a legacy image record.

/// A field that the legacy store knows, in the order in which it writes them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Field {
    Id,
    Digest,
    Names,
    NamesHistory,
    TopLayer,
    MappedTopLayers,
    Metadata,
    BigDataNames,
    BigDataSizes,
    BigDataDigests,
    Created,
    Flags,
}

impl Field {
    const ALL: [Self; 12] = [
        Self::Id,
        Self::Digest,
        Self::Names,
        Self::NamesHistory,
        Self::TopLayer,
        Self::MappedTopLayers,
        Self::Metadata,
        Self::BigDataNames,
        Self::BigDataSizes,
        Self::BigDataDigests,
        Self::Created,
        Self::Flags,
    ];

    /// The name under which the legacy store writes the field.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Id => "id",
            Self::Digest => "digest",
            Self::Names => "names",
            Self::NamesHistory => "names-history",
            Self::TopLayer => "layer",
            Self::MappedTopLayers => "mapped-layers",
            Self::Metadata => "metadata",
            Self::BigDataNames => "big-data-names",
            Self::BigDataSizes => "big-data-sizes",
            Self::BigDataDigests => "big-data-digests",
            Self::Created => "created",
            Self::Flags => "flags",
        }
    }

    /// The field that the legacy store reads under `name`: one with just this name, or with other
    /// upper and lower case.
    pub(crate) fn of(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|field| field.name().eq_ignore_ascii_case(name))
    }
}

#[cfg(test)]
mod tests {
    use super::Field;

    #[test]
    fn names_match_in_any_case_and_only_whole() {
        for field in Field::ALL {
            assert_eq!(Field::of(field.name()), Some(field));
            assert_eq!(Field::of(&field.name().to_uppercase()), Some(field));
        }
        for unknown in ["", "i", "idx", "digests", "names_history", "Ä"] {
            assert_eq!(Field::of(unknown), None, "{unknown}");
        }
    }
}
