//! The language in which the contract is declared: a trait for what goes over the wire, the shape that
//! describes it, and the two macros that write both.

use std::fmt;

use crate::xml::{self, Node, Position, Writer};

use super::NAMESPACE;

/// A Rust type that has a place in the contract.
pub trait Wire: Sized {
    const SHAPE: &'static Shape;

    /// Whether it shows nowhere but on the wire.
    const SECRET: bool = false;

    /// Reads the element in a field's place; `None` where the client left it out, which gives ASP.NET's default.
    ///
    /// # Errors
    /// [`Invalid`] where the text does not fit the type.
    fn read(element: Option<Node<'_, '_>>) -> Result<Self, Invalid>;

    /// Writes the field, or nothing where the contract omits it.
    fn write(&self, name: &str, out: &mut Writer);

    /// The value of a field that the caller's form of the operation does not have.
    fn absent() -> Self;

    /// The value as rules, the journal and the log see it.
    fn value(&self) -> Value<'_>;

    /// What a scenario file writes for the value, secrets in full; `None` where there is nothing, or where the type is no
    /// simple one.
    fn text(&self) -> Option<String> {
        None
    }

    /// The value as a scenario file writes it; `None` where the text does not fit, or where the type is no simple one.
    fn of_text(text: &str) -> Option<Self> {
        let _ = text;
        None
    }

    /// An item of an array: `xsi:nil` where there is none.
    fn write_item(&self, name: &str, out: &mut Writer) {
        self.write(name, out);
    }
}

/// What the service description says of a type.
#[derive(Debug, PartialEq)]
pub enum Shape {
    /// A simple type of XML Schema, by its name there.
    Simple(&'static str),
    Choice {
        name: &'static str,
        about: &'static str,
        values: &'static [&'static str],
    },
    Record {
        name: &'static str,
        about: &'static str,
        fields: &'static [Field],
    },
    /// A type that may be left out: strings and records.
    Optional(&'static Self),
    Array(&'static Self),
}

/// One field of a record, one parameter of an operation.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Field {
    /// The name on the wire.
    pub name: &'static str,
    /// The name in Rust and in scenario files.
    pub key: &'static str,
    pub about: &'static str,
    pub shape: &'static Shape,
    pub secret: bool,
}

impl Shape {
    /// The fields of a record; none for everything else.
    #[must_use]
    pub const fn fields(&self) -> &'static [Field] {
        match self {
            Self::Record { fields, .. } => fields,
            _ => &[],
        }
    }

    /// What a field or an array holds.
    #[must_use]
    pub const fn inner(&self) -> &Self {
        match self {
            Self::Optional(of) | Self::Array(of) => of.inner(),
            _ => self,
        }
    }

    /// The type's name in the schema.
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            Self::Simple(name) | Self::Choice { name, .. } | Self::Record { name, .. } => (*name).into(),
            Self::Optional(of) => of.name(),
            Self::Array(of) => {
                let item = of.name();
                format!("ArrayOf{}{}", item[..1].to_uppercase(), &item[1..])
            }
        }
    }
}

/// A value of the contract, seen without its type. A secret shows only that it is there.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value<'a> {
    Missing,
    Text(&'a str),
    Number(i64),
    Real(f64),
    Truth(bool),
    Secret,
    /// A record or an array.
    Nested,
}

impl fmt::Display for Value<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing => f.write_str("-"),
            Self::Text(text) => write!(f, "{text:?}"),
            Self::Number(number) => number.fmt(f),
            Self::Real(number) => number.fmt(f),
            Self::Truth(truth) => truth.fmt(f),
            Self::Secret => f.write_str("(secret)"),
            Self::Nested => f.write_str("{..}"),
        }
    }
}

/// A text that does not fit its place in the contract, in the words of .NET.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("There is an error in XML document {position}. ---> {reason}")]
pub struct Invalid {
    pub position: Position,
    pub reason: String,
}

/// A password, PIN, code or key. It goes over the wire in full and shows nowhere else.
#[derive(Clone, Default, Eq, PartialEq)]
pub struct Secret(String);

impl Secret {
    /// The text itself, for comparing and for writing to its owner.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl From<&str> for Secret {
    fn from(text: &str) -> Self {
        Self(text.into())
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(secret)")
    }
}

/// The text of an element that holds nothing else.
fn content<'a>(element: Node<'a, '_>) -> Result<std::borrow::Cow<'a, str>, Invalid> {
    let mut children = element.children().filter(|it| !it.is_comment() && !it.is_pi());
    if let Some(nested) = element.children().find(Node::is_element) {
        let position = xml::position_of(nested);
        return Err(Invalid {
            position,
            reason: format!(
                "Unexpected node type Element. ReadElementString method can only be called on elements with simple or empty content. Line {}, position {}.",
                position.line, position.column
            ),
        });
    }
    let first = children.next().and_then(|it| it.text()).unwrap_or_default();
    Ok(match children.next() {
        None => first.into(),
        Some(second) => {
            let rest = std::iter::once(second).chain(children).filter_map(|it| it.text());
            std::iter::once(first).chain(rest).collect::<String>().into()
        }
    })
}

impl Wire for String {
    const SHAPE: &'static Shape = &Shape::Simple("string");

    fn read(element: Option<Node<'_, '_>>) -> Result<Self, Invalid> {
        element.map_or_else(|| Ok(Self::new()), |it| Ok(content(it)?.into_owned()))
    }

    fn write(&self, name: &str, out: &mut Writer) {
        out.element(name, self);
    }

    fn absent() -> Self {
        Self::new()
    }

    fn value(&self) -> Value<'_> {
        Value::Text(self)
    }

    fn text(&self) -> Option<String> {
        Some(self.clone())
    }

    fn of_text(text: &str) -> Option<Self> {
        Some(text.into())
    }
}

impl Wire for Secret {
    const SHAPE: &'static Shape = String::SHAPE;

    const SECRET: bool = true;

    fn read(element: Option<Node<'_, '_>>) -> Result<Self, Invalid> {
        String::read(element).map(Self)
    }

    fn write(&self, name: &str, out: &mut Writer) {
        self.0.write(name, out);
    }

    fn absent() -> Self {
        Self::default()
    }

    fn value(&self) -> Value<'_> {
        Value::Secret
    }

    fn text(&self) -> Option<String> {
        Some(self.0.clone())
    }

    fn of_text(text: &str) -> Option<Self> {
        Some(text.into())
    }
}

impl<T: Wire> Wire for Option<T> {
    const SHAPE: &'static Shape = &Shape::Optional(T::SHAPE);

    const SECRET: bool = T::SECRET;

    fn read(element: Option<Node<'_, '_>>) -> Result<Self, Invalid> {
        element.map(|it| T::read(Some(it))).transpose()
    }

    fn write(&self, name: &str, out: &mut Writer) {
        if let Some(value) = self {
            value.write(name, out);
        }
    }

    fn absent() -> Self {
        None
    }

    fn value(&self) -> Value<'_> {
        self.as_ref().map_or(Value::Missing, T::value)
    }

    fn text(&self) -> Option<String> {
        self.as_ref().and_then(T::text)
    }

    fn of_text(text: &str) -> Option<Self> {
        T::of_text(text).map(Some)
    }

    fn write_item(&self, name: &str, out: &mut Writer) {
        match self {
            Some(value) => value.write(name, out),
            None => out.empty(&format!("{name} xsi:nil=\"true\"")),
        }
    }
}

impl<T: Wire> Wire for Vec<T> {
    const SHAPE: &'static Shape = &Shape::Array(T::SHAPE);

    fn read(element: Option<Node<'_, '_>>) -> Result<Self, Invalid> {
        let Some(element) = element else { return Ok(Self::new()) };
        let name = T::SHAPE.name();
        let items = element.children().filter(|it| it.has_tag_name((NAMESPACE, name.as_str())));
        items.map(|it| T::read(Some(it))).collect()
    }

    fn write(&self, name: &str, out: &mut Writer) {
        if self.is_empty() {
            return out.empty(name);
        }
        let item = T::SHAPE.name();
        out.open(name);
        for it in self {
            it.write_item(&item, out);
        }
        out.close(name);
    }

    fn absent() -> Self {
        Self::new()
    }

    fn value(&self) -> Value<'_> {
        Value::Nested
    }
}

impl Wire for bool {
    const SHAPE: &'static Shape = &Shape::Simple("boolean");

    fn read(element: Option<Node<'_, '_>>) -> Result<Self, Invalid> {
        let Some(element) = element else { return Ok(false) };
        let text = content(element)?;
        match trimmed(&text) {
            "true" | "1" => Ok(true),
            "false" | "0" => Ok(false),
            other => Err(Invalid {
                position: xml::position_after(element),
                reason: format!("The string '{other}' is not a valid Boolean value."),
            }),
        }
    }

    fn write(&self, name: &str, out: &mut Writer) {
        out.element(name, if *self { "true" } else { "false" });
    }

    fn absent() -> Self {
        false
    }

    fn value(&self) -> Value<'_> {
        Value::Truth(*self)
    }

    fn text(&self) -> Option<String> {
        Some(self.to_string())
    }

    fn of_text(text: &str) -> Option<Self> {
        text.parse().ok()
    }
}

/// The numbers of XML Schema that the contract uses: the schema's name, .NET's name.
macro_rules! numbers {
    ($($xsd:literal, $clr:literal => $rust:ty, $value:ident as $seen:ty;)*) => {$(
        impl Wire for $rust {
            const SHAPE: &'static Shape = &Shape::Simple($xsd);

            fn read(element: Option<Node<'_, '_>>) -> Result<Self, Invalid> {
                let Some(element) = element else { return Ok(Self::default()) };
                let text = content(element)?;
                let text = trimmed(&text);
                text.parse().map_err(|_| Invalid {
                    position: xml::position_after(element),
                    reason: match is_integer(text) {
                        true => concat!("Value was either too large or too small for ", $clr, ".").into(),
                        false => "Input string was not in a correct format.".into(),
                    },
                })
            }

            fn write(&self, name: &str, out: &mut Writer) {
                out.element(name, &self.to_string());
            }

            fn absent() -> Self {
                Self::default()
            }

            fn value(&self) -> Value<'_> {
                Value::$value(<$seen>::from(*self))
            }

            fn text(&self) -> Option<String> {
                Some(self.to_string())
            }

            fn of_text(text: &str) -> Option<Self> {
                text.parse().ok()
            }
        }
    )*};
}

numbers! {
    "int", "an Int32" => i32, Number as i64;
    "unsignedInt", "a UInt32" => u32, Number as i64;
    "long", "an Int64" => i64, Number as i64;
    "double", "a Double" => f64, Real as f64;
}

/// Without the white space that `XmlConvert` trims.
fn trimmed(text: &str) -> &str {
    text.trim_matches([' ', '\t', '\r', '\n'])
}

fn is_integer(text: &str) -> bool {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    !digits.is_empty() && digits.bytes().all(|it| it.is_ascii_digit())
}

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
                    about: concat!($($about, "\n",)*),
                    shape: <$ty as $crate::contract::Wire>::SHAPE,
                    secret: <$ty as $crate::contract::Wire>::SECRET,
                },)*],
            };

            fn read(element: Option<$crate::xml::Node<'_, '_>>) -> Result<Self, $crate::contract::Invalid> {
                let _ = element; // a record without fields reads nothing
                Ok(Self {
                    $($field: <$ty as $crate::contract::Wire>::read(
                        element.and_then(|it| $crate::xml::child(it, $crate::contract::NAMESPACE, $key)),
                    )?,)*
                })
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
            fn values(&self) -> Vec<(&'static str, $crate::contract::Value<'_>)> {
                vec![$(($key, $crate::contract::Wire::value(&self.$field)),)*]
            }

            fn texts(&self) -> Vec<(&'static str, Option<String>)> {
                vec![$((stringify!($field), $crate::contract::Wire::text(&self.$field)),)*]
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

            fn read(element: Option<$crate::xml::Node<'_, '_>>) -> Result<Self, $crate::contract::Invalid> {
                $crate::contract::declare::read_choice(element, $wire)
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

/// A record, by its fields.
pub trait Record: Wire {
    /// The fields by their wire names, for rules and logs.
    fn values(&self) -> Vec<(&'static str, Value<'_>)>;

    /// The fields by their Rust names, as [`Self::set`] takes them: secrets in full.
    fn texts(&self) -> Vec<(&'static str, Option<String>)>;

    /// Writes the fields without an element around them.
    fn write_fields(&self, out: &mut Writer);

    /// Sets the field of that Rust name to what a scenario file says; `None` where the text does not fit it.
    fn set(&mut self, key: &str, text: &str) -> Option<()>;
}

/// Between a type and its older or newer view; each type is also its own.
pub trait Recast<T> {
    fn recast(self) -> T;
}

impl<A: Recast<B>, B> Recast<Option<B>> for Option<A> {
    fn recast(self) -> Option<B> {
        self.map(A::recast)
    }
}

impl<A: Recast<B>, B> Recast<Vec<B>> for Vec<A> {
    fn recast(self) -> Vec<B> {
        self.into_iter().map(A::recast).collect()
    }
}

/// Types of which the contract has one form.
macro_rules! one_form {
    ($($ty:ty),*) => {$(
        impl Recast<$ty> for $ty {
            fn recast(self) -> $ty {
                self
            }
        }
    )*};
}

one_form!(bool, i32, u32, i64, f64, String, Secret);

/// Reads an enumeration value. It is compared as it stands: .NET trims numbers, but not these.
pub(super) fn read_choice<T: Default + std::str::FromStr>(
    element: Option<Node<'_, '_>>,
    name: &str,
) -> Result<T, Invalid> {
    let Some(element) = element else { return Ok(T::default()) };
    let text = content(element)?;
    text.parse().map_err(|_| Invalid {
        position: xml::position_after(element),
        reason: format!("Instance validation error: '{text}' is not a valid value for {name}."),
    })
}
