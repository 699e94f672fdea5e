//! Storage that passes its locks on.

/// The locks of a storage that are those of the one in its field.
///
/// Outside of the library it is for the tests and benchmarks of this project; not a promise.
#[doc(hidden)]
#[macro_export]
macro_rules! locks_of {
    ($field:tt) => {
        $crate::locks_of!($field:
            try_lock_range -> bool,
            try_lock_shared_range -> bool,
            lock_range -> (),
            lock_shared_range -> (),
            unlock_range -> (),
            query_lock_range -> bool);
    };
    ($field:tt: $($lock:ident -> $answer:ty),*) => {$(
        fn $lock(
            &self,
            start: ::std::ops::Bound<u64>,
            end: ::std::ops::Bound<u64>,
        ) -> ::std::result::Result<$answer, ::redb::BackendError> {
            self.$field.$lock(start, end)
        }
    )*};
}
