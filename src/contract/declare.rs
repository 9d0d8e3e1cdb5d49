//! The language in which the contract is declared: a macro for records, one for enumerations, and one each for their
//! older views and forms.

/// Declares a record: `"WireName" => rust_name: Type`, in the order of the schema.
///
/// The first name is Rust's, the second the schema's. Documentation on the record and its fields goes into the
/// help page and into `about`.
macro_rules! message {
    ($(#[doc = $doc:literal])* $name:ident = $wire:literal {
        $($(#[doc = $about:literal])* $key:literal => $field:ident: $ty:ty,)*
    }) => {
        $(#[doc = $doc])*
        #[derive(Clone, Debug, Default, PartialEq)]
        #[allow(unnameable_types, unreachable_pub, reason = "the parameters of an operation are named by its row alone")]
        pub struct $name {
            $($(#[doc = $about])* pub $field: $ty,)*
        }

        impl $crate::contract::Wire for $name {
            const SHAPE: &'static $crate::contract::Shape = &$crate::contract::Shape::Record {
                name: $wire,
                about: concat!($($doc, "\n",)*),
                fields: &[$($crate::contract::Field {
                    name: $key,
                    key: stringify!($field),
                    about: $crate::contract::common::documentation($key, concat!($($about, "\n",)*)),
                    shape: <$ty as $crate::contract::Wire>::SHAPE,
                    secret: <$ty as $crate::contract::Wire>::SECRET,
                },)*],
            };

            fn read(reader: &mut $crate::xml::Reader<'_>) -> Result<Self, $crate::contract::Unread> {
                Ok($crate::contract::codec::read_record(reader, $wire, false)?.unwrap_or_default())
            }

            fn read_item(reader: &mut $crate::xml::Reader<'_>) -> Result<Option<Self>, $crate::contract::Unread> {
                $crate::contract::codec::read_record(reader, $wire, true)
            }

            fn write(&self, name: &str, out: &mut $crate::xml::Writer) {
                out.nest(name, |out| $crate::contract::Record::write_fields(self, out));
            }

            fn absent() -> Self {
                Self { $($field: <$ty as $crate::contract::Wire>::absent(),)* }
            }

            fn value(&self) -> $crate::contract::Value<'_> {
                $crate::contract::Value::Nested
            }
        }

        impl $crate::contract::Record for $name {
            fn values(&self) -> Vec<$crate::contract::FieldValue<'_>> {
                vec![$($crate::contract::FieldValue {
                    name: $key,
                    role: const { $crate::contract::Role::of($key) },
                    value: $crate::contract::Wire::value(&self.$field),
                },)*]
            }

            fn texts(&self) -> Vec<(&'static str, Option<String>)> {
                vec![$((stringify!($field), $crate::contract::Wire::text(&self.$field)),)*]
            }

            fn read_field(
                &mut self,
                reader: &mut $crate::xml::Reader<'_>,
                seen: &mut $crate::contract::Seen,
            ) -> Result<bool, $crate::contract::Unread> {
                #[allow(dead_code, non_camel_case_types, reason = "a field has its number under its own name, and some records have none")]
                enum Field { $($field,)* }
                let _ = &seen; // a record without fields sees none
                match reader.local_name() {
                    $($key if seen.is_first(Field::$field as usize) => {
                        self.$field = $crate::contract::Wire::read(reader)?;
                        Ok(true)
                    })*
                    _ => Ok(false),
                }
            }

            fn write_fields(&self, out: &mut $crate::xml::Writer) {
                let _ = &out; // a record without fields writes nothing
                $($crate::contract::Wire::write(&self.$field, $key, out);)*
            }

            fn set(&mut self, key: &str, text: &str) -> Option<()> {
                let _ = (key, text); // a record without fields takes nothing
                $(if key == stringify!($field) {
                    self.$field = $crate::contract::Wire::of_text(text)?;
                    return Some(());
                })*
                None
            }
        }

        impl $crate::contract::Recast<Self> for $name {
            fn recast(self) -> Self {
                self
            }
        }
    };
}

/// Declares an enumeration: `"wireValue" => Variant`, in the order of the schema. The first value is what a
/// missing element means; `absent` names the value of a field that an older form does not have.
macro_rules! choice {
    ($(#[doc = $doc:literal])* $name:ident = $wire:literal, absent $absent:ident {
        $first_key:literal => $first:ident,
        $($key:literal => $variant:ident,)*
    }) => {
        $(#[doc = $doc])*
        #[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
        pub enum $name {
            #[default]
            $first,
            $($variant,)*
        }

        impl $name {
            /// The value on the wire.
            #[must_use]
            pub const fn word(self) -> &'static str {
                match self {
                    Self::$first => $first_key,
                    $(Self::$variant => $key,)*
                }
            }
        }

        impl std::str::FromStr for $name {
            type Err = ();

            fn from_str(text: &str) -> Result<Self, ()> {
                match text {
                    $first_key => Ok(Self::$first),
                    $($key => Ok(Self::$variant),)*
                    _ => Err(()),
                }
            }
        }

        impl $crate::contract::Wire for $name {
            const SHAPE: &'static $crate::contract::Shape = &$crate::contract::Shape::Choice {
                name: $wire,
                about: concat!($($doc, "\n",)*),
                values: &[$first_key, $($key),*],
            };

            fn read(reader: &mut $crate::xml::Reader<'_>) -> Result<Self, $crate::contract::Unread> {
                $crate::contract::codec::read_choice(reader, $wire)
            }

            fn write(&self, name: &str, out: &mut $crate::xml::Writer) {
                out.element(name, self.word());
            }

            fn absent() -> Self {
                Self::$absent
            }

            fn value(&self) -> $crate::contract::Value<'_> {
                $crate::contract::Value::Text(self.word())
            }

            fn text(&self) -> Option<String> {
                Some(self.word().into())
            }

            fn of_text(text: &str) -> Option<Self> {
                text.parse().ok()
            }
        }

        impl $crate::contract::Recast<Self> for $name {
            fn recast(self) -> Self {
                self
            }
        }
    };
}

/// Declares an older view of a record that goes out: its own fields with their own types, and how it is made
/// from the newest.
macro_rules! view {
    ($(#[doc = $doc:literal])* $name:ident = $wire:literal of $newest:ident {
        $($key:literal => $field:ident: $ty:ty,)*
    }) => {
        message! { $(#[doc = $doc])* $name = $wire { $($key => $field: $ty,)* } }

        impl $crate::contract::Recast<$name> for $newest {
            fn recast(self) -> $name {
                $name { $($field: $crate::contract::Recast::recast(self.$field),)* }
            }
        }
    };
}

/// Declares an older form of a record that comes in: its own fields with their own types, and how the newest is
/// made from it.
macro_rules! form {
    ($(#[doc = $doc:literal])* $name:ident = $wire:literal into $newest:ident {
        $($key:literal => $field:ident: $ty:ty,)*
    }) => {
        message! { $(#[doc = $doc])* $name = $wire { $($key => $field: $ty,)* } }

        impl $crate::contract::Recast<$newest> for $name {
            #[allow(clippy::needless_update, reason = "some forms have every field, with older types")]
            fn recast(self) -> $newest {
                $newest {
                    $($field: $crate::contract::Recast::recast(self.$field),)*
                    ..<$newest as $crate::contract::Wire>::absent()
                }
            }
        }
    };
}
