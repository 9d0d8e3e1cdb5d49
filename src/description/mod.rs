//! What the service publishes about itself: the service description, the discovery document and the help pages.
//!
//! All are derived from [`operations::all`](crate::operations::all), so they describe exactly what the
//! service does. Each is made for one address: the service's own URL without a query, as the client wrote it.

mod disco;
mod help;
mod wsdl;

use std::borrow::Cow;

pub use disco::disco;
pub use help::{help_page, notice, operation_page};
pub use wsdl::wsdl;

use crate::contract::{Error, Field, Shape, Signature, Wire};

/// The ports of the service and their bindings: SOAP 1.1, SOAP 1.2.
const PORTS: [&str; 2] = ["PfWsSdkSoap", "PfWsSdkSoap12"];

/// One element of a message: a parameter, the result, an out parameter.
struct Particle {
    name: Cow<'static, str>,
    about: &'static str,
    shape: &'static Shape,
}

impl From<&Field> for Particle {
    fn from(field: &Field) -> Self {
        Self { name: field.name.into(), about: field.about, shape: field.shape }
    }
}

/// What an operation takes.
fn request(signature: &Signature) -> Vec<Particle> {
    signature.request.fields().iter().map(Particle::from).collect()
}

/// What an operation answers: its result, its out parameters and, unless it answers a text, `error`.
fn reply(signature: &Signature) -> Vec<Particle> {
    let (name, shape) = (format!("{}Result", signature.name).into(), signature.result);
    let about = if signature.is_plain() { "The text." } else { "Whether the operation did what it was asked." };
    let mut particles = vec![Particle { name, about, shape }];
    particles.extend(signature.out.fields().iter().map(Particle::from));
    if !signature.is_plain() {
        particles.push(Particle { name: "error".into(), about: "", shape: <Option<Error>>::SHAPE });
    }
    particles
}

/// The shape of a value that is there.
const fn present(shape: &'static Shape) -> &'static Shape {
    match shape {
        Shape::Optional(of) => of,
        other => other,
    }
}

/// Adds the types that a shape is made of and that are not in the list yet: each stands before those of its fields,
/// which is their order in the schema.
fn collect_types(shape: &'static Shape, types: &mut Vec<&'static Shape>) {
    let shape = present(shape);
    if matches!(shape, Shape::Simple(_)) || types.contains(&shape) {
        return;
    }
    types.push(shape);
    match shape {
        Shape::Array(of) => collect_types(of, types),
        record => record.fields().iter().for_each(|it| collect_types(it.shape, types)),
    }
}

/// Writes XML as .NET indents it: two blanks a level, an element a line, the first line at the left edge.
#[derive(Default)]
struct Indented {
    out: String,
    depth: usize,
}

impl Indented {
    fn line(&mut self, markup: &str) {
        if !self.out.is_empty() {
            self.out.push('\n');
        }
        self.out.extend(std::iter::repeat_n("  ", self.depth));
        self.out.push_str(markup);
    }

    /// An element without content; `tag` is its name and its attributes.
    fn empty(&mut self, tag: &str) {
        self.line(&format!("<{tag} />"));
    }

    /// An element with what `content` writes; `<tag />` where it writes nothing.
    fn nest(&mut self, tag: &str, content: impl FnOnce(&mut Self)) {
        let before = self.out.len();
        self.line(&format!("<{tag}>"));
        let opened = self.out.len();
        self.depth += 1;
        content(self);
        self.depth -= 1;
        if self.out.len() == opened {
            self.out.truncate(before);
            return self.empty(tag);
        }
        let name = tag.split(' ').next().unwrap_or(tag);
        self.line(&format!("</{name}>"));
    }
}

/// A text as it stands in the text and the attributes of XML and HTML.
fn escape(text: &str) -> Cow<'_, str> {
    quick_xml::escape::escape(text)
}
