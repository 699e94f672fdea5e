//! Storage that passes on what it does not do itself.

/// The methods of a storage that are those of the one in its field; `locks` are all of the locks.
///
/// Outside of the library it is for the tests and benchmarks of this project; not a promise.
#[doc(hidden)]
#[macro_export]
macro_rules! passes_on {
    ($field:tt: $($method:ident),+) => {
        $($crate::passes_on!(@ $method $field);)+
    };
    (@ len $field:tt) => {
        fn len(&self) -> ::std::io::Result<u64> {
            self.$field.len()
        }
    };
    (@ read $field:tt) => {
        fn read(&self, offset: u64, out: &mut [u8]) -> ::std::io::Result<()> {
            self.$field.read(offset, out)
        }
    };
    (@ set_len $field:tt) => {
        fn set_len(&self, length: u64) -> ::std::io::Result<()> {
            self.$field.set_len(length)
        }
    };
    (@ sync_data $field:tt) => {
        fn sync_data(&self) -> ::std::io::Result<()> {
            self.$field.sync_data()
        }
    };
    (@ write $field:tt) => {
        fn write(&self, offset: u64, data: &[u8]) -> ::std::io::Result<()> {
            self.$field.write(offset, data)
        }
    };
    (@ close $field:tt) => {
        fn close(&self) -> ::std::io::Result<()> {
            self.$field.close()
        }
    };
    (@ locks $field:tt) => {
        $crate::passes_on!(@ locks $field:
            try_lock_range -> bool,
            try_lock_shared_range -> bool,
            lock_range -> (),
            lock_shared_range -> (),
            unlock_range -> (),
            query_lock_range -> bool);
    };
    (@ locks $field:tt: $($lock:ident -> $answer:ty),*) => {$(
        fn $lock(
            &self,
            start: ::std::ops::Bound<u64>,
            end: ::std::ops::Bound<u64>,
        ) -> ::std::result::Result<$answer, ::redb::BackendError> {
            self.$field.$lock(start, end)
        }
    )*};
}
