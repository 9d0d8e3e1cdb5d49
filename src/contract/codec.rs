//! How a value stands on the wire: what is read from an element, and what is written for it.

use std::borrow::Cow;

use crate::xml::{Malformed, Node, Position, Reader, Writer};

use super::NAMESPACE;
use super::primitive::Primitive;
use super::shape::Shape;
use super::value::{FieldValue, Secret, Value};

/// A Rust type that has a place in the contract. Its default is what ASP.NET takes for an element that is left out.
pub trait Wire: Sized + Default {
    const SHAPE: &'static Shape;

    /// Whether the value appears on the wire only.
    const SECRET: bool = false;

    /// Reads the element at which the reader stands. The reader then stands at the node that follows.
    ///
    /// # Errors
    /// [`Unread`]
    fn read(reader: &mut Reader<'_>) -> Result<Self, Unread>;

    /// The same in a place that may be left out; `None` is then what the element says.
    ///
    /// # Errors
    /// [`Unread`]
    fn read_optional(reader: &mut Reader<'_>) -> Result<Option<Self>, Unread> {
        Self::read(reader).map(Some)
    }

    /// The same for an item of an array; `None` where `xsi:nil` says so.
    ///
    /// # Errors
    /// [`Unread`]
    fn read_item(reader: &mut Reader<'_>) -> Result<Option<Self>, Unread> {
        if says_nil(reader)? { Ok(None) } else { Self::read(reader).map(Some) }
    }

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

    /// Reads the element at which the reader stands into the field of its name. False: there is none, or it was read
    /// before; the reader then stands where it stood.
    ///
    /// # Errors
    /// [`Unread`]
    fn read_field(&mut self, reader: &mut Reader<'_>, seen: &mut Seen) -> Result<bool, Unread>;

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

impl Invalid {
    /// .NET tells where its reader stands by then: for the text of an element, at the node that follows it.
    fn at(reader: &Reader<'_>, reason: impl Into<String>) -> Unread {
        Unread::Invalid(Box::new(Self { position: reader.position(), reason: reason.into() }))
    }
}

/// Why a message was not read.
#[derive(Clone, Debug, PartialEq)]
pub enum Unread {
    /// It is not XML, or not as the reader of a value needs it.
    Malformed(Box<Malformed>),
    Invalid(Box<Invalid>),
}

impl From<Box<Malformed>> for Unread {
    fn from(malformed: Box<Malformed>) -> Self {
        Self::Malformed(malformed)
    }
}

/// Which fields of a record were read: the first of several wins.
#[derive(Debug, Default)]
pub struct Seen(u128);

impl Seen {
    /// Whether a field was not read before. From now on it was.
    pub fn is_first(&mut self, field: usize) -> bool {
        let bit = 1 << field;
        let is_first = self.0 & bit == 0;
        self.0 |= bit;
        is_first
    }
}

/// Reads the parameters of an operation from what follows, as ASP.NET's deserialiser does: all elements up to the end of
/// the one around them. Elements of another name are passed over. A later element of the right name sets its fields, too.
///
/// # Errors
/// [`Unread`]
pub fn read_parameters<T: Record>(reader: &mut Reader<'_>, name: &str) -> Result<T, Unread> {
    let mut parameters = T::default();
    reader.move_to_content()?;
    while !matches!(reader.node(), Node::End | Node::Done) {
        if !reader.is_element(NAMESPACE, name) {
            pass_over(reader)?;
        } else if reader.is_empty() {
            reader.skip()?;
        } else {
            reader.read()?;
            read_fields(reader, |reader, seen| parameters.read_field(reader, seen))?;
            reader.read_end()?;
        }
        reader.move_to_content()?;
    }
    Ok(parameters)
}

/// Reads the children of an element: each that is in the contract's namespace goes to `take`, and is passed over where
/// that knows none of its name. The reader stands behind the start tag, and then at the end tag.
///
/// # Errors
/// [`Unread`]
pub fn read_fields<'i>(
    reader: &mut Reader<'i>,
    mut take: impl FnMut(&mut Reader<'i>, &mut Seen) -> Result<bool, Unread>,
) -> Result<(), Unread> {
    let mut seen = Seen::default();
    reader.move_to_content()?;
    while !matches!(reader.node(), Node::End | Node::Done) {
        let is_ours = reader.node() == Node::Element && reader.namespace() == NAMESPACE;
        if !is_ours || !take(reader, &mut seen)? {
            pass_over(reader)?;
        }
        reader.move_to_content()?;
    }
    Ok(())
}

/// Passes over a node that nothing is known of. (`UnknownNode`)
fn pass_over(reader: &mut Reader<'_>) -> Result<(), Unread> {
    match reader.node() {
        Node::End => return Ok(()),
        Node::Entity => reader.expand()?,
        _ => (),
    }
    reader.skip()?;
    Ok(())
}

/// Reads a record from the element at which the reader stands; `None` where it is an item that is nil.
pub(crate) fn read_record<T: Record>(
    reader: &mut Reader<'_>,
    name: &str,
    may_be_nil: bool,
) -> Result<Option<T>, Unread> {
    let declared = declared_type(reader)?;
    let is_nil = may_be_nil && says_nil(reader)?;
    if let Some(declared) = declared.filter(|it| (&*it.0, &*it.1) != (name, NAMESPACE)) {
        let (name, namespace) = declared;
        let place = match reader.node() {
            Node::Element => format!("<{} xmlns='{}'>", reader.local_name(), reader.namespace()),
            Node::End => ">".into(),
            Node::Text => reader.value().into_owned(),
            Node::CData => "CDATA".into(),
            Node::Comment => "<--".into(),
            Node::Instruction => "<?".into(),
            _ => "(unknown)".into(),
        };
        let reason =
            format!("The specified type was not recognized: name='{name}', namespace='{namespace}', at {place}.");
        return Err(Invalid::at(reader, reason));
    }
    if is_nil {
        return Ok(None);
    }
    let mut record = T::default();
    if reader.is_empty() {
        reader.skip()?;
        return Ok(Some(record));
    }
    reader.read()?;
    read_fields(reader, |reader, seen| record.read_field(reader, seen))?;
    reader.read_end()?;
    Ok(Some(record))
}

const INSTANCE: &str = "http://www.w3.org/2001/XMLSchema-instance";

/// Its drafts, which .NET still knows.
const DRAFTS: [&str; 2] = ["http://www.w3.org/2000/10/XMLSchema-instance", "http://www.w3.org/1999/XMLSchema-instance"];

/// The name and namespace in `xsi:type`.
fn declared_type(reader: &Reader<'_>) -> Result<Option<(String, String)>, Unread> {
    let of = |namespace: &&str| reader.attribute(namespace, "type");
    let Some(value) = [INSTANCE].iter().chain(&DRAFTS).find_map(of) else { return Ok(None) };
    let (prefix, name) = match value.rsplit_once(':') {
        Some((prefix, name)) if !prefix.is_empty() => (prefix, name),
        _ => ("", &*value),
    };
    match reader.lookup(prefix) {
        Some(namespace) => Ok(Some((name.into(), namespace.into()))),
        None => Err(Invalid::at(reader, format!("Namespace prefix '{prefix}' is not defined."))),
    }
}

/// Whether an element says that it is nil. It is then passed over, whatever it holds.
fn says_nil(reader: &mut Reader<'_>) -> Result<bool, Unread> {
    let nil = reader
        .attribute(INSTANCE, "nil")
        .or_else(|| reader.attribute(INSTANCE, "null"))
        .or_else(|| DRAFTS.iter().find_map(|it| reader.attribute(it, "null")));
    match nil {
        Some(nil) if boolean(reader, &nil)? => (),
        _ => return Ok(false),
    }
    if reader.is_empty() {
        reader.skip()?;
        return Ok(true);
    }
    reader.read()?;
    while reader.node() != Node::End {
        pass_over(reader)?;
    }
    reader.read_end()?;
    Ok(true)
}

fn boolean(reader: &Reader<'_>, text: &str) -> Result<bool, Unread> {
    match trimmed(text) {
        "true" | "1" => Ok(true),
        "false" | "0" => Ok(false),
        other => Err(Invalid::at(reader, format!("The string '{other}' is not a valid Boolean value."))),
    }
}

impl Wire for String {
    const SHAPE: &'static Shape = &Shape::Simple(Primitive::String);

    fn read(reader: &mut Reader<'_>) -> Result<Self, Unread> {
        Ok(reader.element_text().map(Cow::into_owned)?)
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

    fn read(reader: &mut Reader<'_>) -> Result<Self, Unread> {
        String::read(reader).map(Self::from)
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

    fn read(reader: &mut Reader<'_>) -> Result<Self, Unread> {
        T::read_optional(reader)
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

    fn read(reader: &mut Reader<'_>) -> Result<Self, Unread> {
        Ok(Self::read_optional(reader)?.unwrap_or_default())
    }

    fn read_optional(reader: &mut Reader<'_>) -> Result<Option<Self>, Unread> {
        if says_nil(reader)? {
            return Ok(None);
        }
        let mut items = Self::new();
        if reader.is_empty() {
            reader.skip()?;
            return Ok(Some(items));
        }
        let name = T::SHAPE.name();
        reader.read()?;
        read_fields(reader, |reader, _| {
            let is_item = reader.local_name() == name;
            if is_item {
                items.push(T::read_item(reader)?.unwrap_or_default());
            }
            Ok(is_item)
        })?;
        reader.read_end()?;
        Ok(Some(items))
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

    fn read(reader: &mut Reader<'_>) -> Result<Self, Unread> {
        let text = reader.element_text()?;
        boolean(reader, &text)
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

/// The numbers of the contract: the type in XML Schema, what .NET calls it, how .NET reads it.
macro_rules! numbers {
    ($($xsd:ident, $clr:literal, $parse:ident => $rust:ty, $value:ident as $seen:ty;)*) => {$(
        impl Wire for $rust {
            const SHAPE: &'static Shape = &Shape::Simple(Primitive::$xsd);

            fn read(reader: &mut Reader<'_>) -> Result<Self, Unread> {
                let text = reader.element_text()?;
                $parse(trimmed(&text)).map_err(|no| Invalid::at(reader, match no {
                    NoNumber::Format => "Input string was not in a correct format.",
                    NoNumber::Range => concat!("Value was either too large or too small for ", $clr, "."),
                }))
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
    Int, "an Int32", signed => i32, Number as i64;
    UnsignedInt, "a UInt32", unsigned => u32, Number as i64;
    Long, "an Int64", signed => i64, Number as i64;
    Double, "a Double", real => f64, Real as f64;
}

/// Without the white space that `XmlConvert` trims.
fn trimmed(text: &str) -> &str {
    text.trim_matches([' ', '\t', '\r', '\n'])
}

/// Why a text is no number.
enum NoNumber {
    Format,
    Range,
}

fn signed<T: std::str::FromStr>(text: &str) -> Result<T, NoNumber> {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    whole(digits)?;
    text.parse().map_err(|_| NoNumber::Range)
}

/// Without a sign, be it `+` or that of `-0`.
fn unsigned(text: &str) -> Result<u32, NoNumber> {
    whole(text)?;
    text.parse().map_err(|_| NoNumber::Range)
}

fn whole(digits: &str) -> Result<(), NoNumber> {
    match !digits.is_empty() && digits.bytes().all(|it| it.is_ascii_digit()) {
        true => Ok(()),
        false => Err(NoNumber::Format),
    }
}

fn real(text: &str) -> Result<f64, NoNumber> {
    match text {
        "INF" | "Infinity" => return Ok(f64::INFINITY),
        "-INF" | "-Infinity" => return Ok(f64::NEG_INFINITY),
        "NaN" => return Ok(f64::NAN),
        _ => (),
    }
    // Rust reads more words than .NET, and the same digits.
    let has_words = text.bytes().any(|it| it.is_ascii_alphabetic() && !matches!(it, b'e' | b'E'));
    match text.parse::<f64>() {
        Ok(number) if !has_words && number.is_finite() => Ok(number),
        Ok(_) if !has_words => Err(NoNumber::Range),
        _ => Err(NoNumber::Format),
    }
}

/// Reads an enumeration value. It is compared as it stands: .NET trims numbers, but not these.
pub(crate) fn read_choice<T: std::str::FromStr>(reader: &mut Reader<'_>, name: &str) -> Result<T, Unread> {
    let text = reader.element_text()?;
    text.parse().map_err(|_| {
        Invalid::at(reader, format!("Instance validation error: '{text}' is not a valid value for {name}."))
    })
}
