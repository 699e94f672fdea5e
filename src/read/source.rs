//! Where a lookup reads: the seam between the lookups and the snapshots, transactions and stores
//! that offer them.

use crate::engine::{Failure, Outcome};
use crate::error::{Error, Result};
use crate::tables::ReadTables;

/// Something that lookups can be made on. Sealed: only this crate implements it.
pub trait Source: Sized {
    /// The tables that a lookup sees.
    type Tables<'t>: ReadTables;
    /// A source whose state stays as it is while an iterator reads on.
    type Held<'a>: Source
    where
        Self: 'a;

    /// A source of the same state that another thread can read from.
    type Apart: Source + Send + 'static;

    /// Holds the present state.
    #[doc(hidden)]
    fn hold(&self) -> Result<Self::Held<'_>>;

    /// The same state, for another thread; `None` where only one can look, as in a transaction.
    #[doc(hidden)]
    fn apart(&self) -> Option<Self::Apart>;

    /// Looks at the tables.
    #[doc(hidden)]
    fn view<R>(&self, look: impl FnOnce(&Self::Tables<'_>) -> Outcome<R>) -> Result<R>;

    /// Says where a failure happened.
    #[doc(hidden)]
    fn error(&self, failure: Failure) -> Error;
}
