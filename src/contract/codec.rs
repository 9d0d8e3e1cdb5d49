//! How a value stands on the wire: what is read from an element, and what is written for it.

use crate::xml::{self, Node, Position, Writer};

use super::NAMESPACE;
use super::primitive::Primitive;
use super::shape::Shape;
use super::value::{FieldValue, Secret, Value};

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

/// A record, by its fields.
pub trait Record: Wire {
    /// The fields, for rules and logs.
    fn values(&self) -> Vec<FieldValue<'_>>;

    /// The fields by their Rust names, as [`Self::set`] takes them: secrets in full.
    fn texts(&self) -> Vec<(&'static str, Option<String>)>;

    /// Writes the fields without an element around them.
    fn write_fields(&self, out: &mut Writer);

    /// Sets the field of that Rust name to what a scenario file says; `None` where the text does not fit it.
    fn set(&mut self, key: &str, text: &str) -> Option<()>;
}

/// A text that does not fit its place in the contract, in the words of .NET.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("There is an error in XML document {position}. ---> {reason}")]
pub struct Invalid {
    pub position: Position,
    pub reason: String,
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
    const SHAPE: &'static Shape = &Shape::Simple(Primitive::String);

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
        String::read(element).map(Self::from)
    }

    fn write(&self, name: &str, out: &mut Writer) {
        out.element(name, self.reveal());
    }

    fn absent() -> Self {
        Self::default()
    }

    fn value(&self) -> Value<'_> {
        Value::Secret
    }

    fn text(&self) -> Option<String> {
        Some(self.reveal().into())
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
    const SHAPE: &'static Shape = &Shape::Simple(Primitive::Boolean);

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

/// The numbers of the contract: the type in XML Schema, what .NET calls it.
macro_rules! numbers {
    ($($xsd:ident, $clr:literal => $rust:ty, $value:ident as $seen:ty;)*) => {$(
        impl Wire for $rust {
            const SHAPE: &'static Shape = &Shape::Simple(Primitive::$xsd);

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
    Int, "an Int32" => i32, Number as i64;
    UnsignedInt, "a UInt32" => u32, Number as i64;
    Long, "an Int64" => i64, Number as i64;
    Double, "a Double" => f64, Real as f64;
}

/// Without the white space that `XmlConvert` trims.
fn trimmed(text: &str) -> &str {
    text.trim_matches([' ', '\t', '\r', '\n'])
}

fn is_integer(text: &str) -> bool {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    !digits.is_empty() && digits.bytes().all(|it| it.is_ascii_digit())
}

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
