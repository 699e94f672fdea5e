//! Where a lookup reads: the seam between the lookups and the snapshots, transactions and stores
//! that offer them.

use crate::engine::{Failure, Outcome};
use crate::error::{Error, Result};
use crate::tables::ReadTables;

/// Something that lookups can be made on. Sealed: only this crate implements it.
pub trait Source {
    /// The tables that a lookup sees.
    type Tables<'t>: ReadTables;
    /// A source whose state stays as it is while an iterator reads on.
    type Held<'a>: Source
    where
        Self: 'a;

    /// Holds the present state.
    #[doc(hidden)]
    fn hold(&self) -> Result<Self::Held<'_>>;

    /// Looks at the tables.
    #[doc(hidden)]
    fn view<R>(&self, look: impl FnOnce(&Self::Tables<'_>) -> Outcome<R>) -> Result<R>;

    /// Says where a failure happened.
    #[doc(hidden)]
    fn error(&self, failure: Failure) -> Error;
}
