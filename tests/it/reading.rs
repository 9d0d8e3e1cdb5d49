//! How requests are read, by tables of inputs: the rules of ASP.NET and .NET beyond the recorded cases.

mod head;
mod order;
mod values;

use locmfa::contract::Value;
use locmfa::operations::{self, Operation};
use locmfa::soap::{self, Head, Rejected, Version};

const NAMESPACE: &str = "http://www.phonefactor.com/PfWsSdk";
const SOAP11: &str = "http://schemas.xmlsoap.org/soap/envelope/";
const SOAP12: &str = "http://www.w3.org/2003/05/soap-envelope";

/// What becomes of a request.
#[derive(Debug, PartialEq)]
enum Outcome {
    /// The operation, and its parameters that are neither missing nor secret.
    Read(&'static str, Vec<(&'static str, String)>),
    /// 400, and the version of the answer.
    Malformed(Version),
    /// 415.
    Media(Version),
    Fault(Version, String),
}

fn open(soap_action: Option<&str>, content_type: &str, body: &[u8]) -> Outcome {
    let head = Head { soap_action, content_type };
    let input = soap::decode(&head, body);
    match soap::open(&head, &input, operations::find, Operation::read) {
        Ok(call) => {
            let values = call.request.values();
            let told = values.iter().filter_map(|it| {
                Some((
                    it.name,
                    match it.value {
                        Value::Text(text) => text.to_owned(),
                        Value::Number(number) => number.to_string(),
                        Value::Truth(truth) => truth.to_string(),
                        _ => return None,
                    },
                ))
            });
            Outcome::Read(call.operation.signature.name, told.collect())
        }
        Err(Rejected::Malformed(version, ..)) => Outcome::Malformed(version),
        Err(Rejected::UnsupportedMediaType(version)) => Outcome::Media(version),
        Err(Rejected::Fault(version, fault, _)) => Outcome::Fault(version, fault.text()),
    }
}

/// A call of SOAP 1.1 by SOAPAction.
fn call(operation: &str, body: &str) -> Outcome {
    let action = format!("\"{NAMESPACE}/{operation}\"");
    open(Some(&action), "text/xml; charset=utf-8", body.as_bytes())
}

fn envelope(body: &str) -> String {
    format!(
        concat!(
            "<s:Envelope xmlns:s=\"{}\" xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" ",
            "xmlns:t=\"{}\"><s:Body>{}</s:Body></s:Envelope>"
        ),
        SOAP11, NAMESPACE, body
    )
}

fn wrapped(operation: &str, children: &str) -> String {
    envelope(&format!("<{operation} xmlns=\"{NAMESPACE}\">{children}</{operation}>"))
}

/// What a parameter was read as, or why not.
fn parameter(operation: &str, name: &str, raw: &str) -> Result<String, String> {
    match call(operation, &wrapped(operation, &format!("<{name}>{raw}</{name}>"))) {
        Outcome::Read(_, values) => {
            Ok(values.into_iter().find(|it| it.0 == name).map(|it| it.1).unwrap_or_else(|| "(missing)".into()))
        }
        Outcome::Fault(Version::Soap11, text) => Err(text.rsplit_once(" ---> ").unwrap_or(("", &text)).1.into()),
        other => Err(format!("{other:?}")),
    }
}
