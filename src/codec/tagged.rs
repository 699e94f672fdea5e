//! Enums with tags.

/// Writes a tag before each variant of an enum and reads it back. The tags are the format; the
/// order of the variants in the source is not. `'de` is the lifetime of what it borrows.
macro_rules! tagged {
    ($name:ident $(<$de:lifetime>)?: $($tag:literal => $variant:ident $(($field:ident))?),+ $(,)?) => {
        impl $(<$de>)? Encode for $name $(<$de>)? {
            fn encode<E: Encoder>(&self, encoder: &mut E) -> Result<(), EncodeError> {
                match self {
                    $(Self::$variant $(($field))? => {
                        Encode::encode(&$tag, encoder)?;
                        $(Encode::encode($field, encoder)?;)?
                        Ok(())
                    })+
                }
            }
        }

        impl<'de, Context> BorrowDecode<'de, Context> for $name $(<$de>)? {
            fn borrow_decode<D: BorrowDecoder<'de, Context = Context>>(
                decoder: &mut D,
            ) -> Result<Self, DecodeError> {
                match u8::borrow_decode(decoder)? {
                    $($tag => Ok(Self::$variant $(({
                        let $field = BorrowDecode::borrow_decode(decoder)?;
                        $field
                    }))?),)+
                    tag => Err($crate::codec::packed::unknown_tag(stringify!($name), tag)),
                }
            }
        }
    };
}

pub(super) use tagged;
