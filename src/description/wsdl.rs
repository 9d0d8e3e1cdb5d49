//! The service description, as ASP.NET lays it out.

use super::{Indented, PORTS, Particle, collect_types, escape, present, reply, request};
use crate::contract::{NAMESPACE, Primitive, SERVICE, Shape, Signature};
use crate::operations;

/// The service description (WSDL) of the service at that address.
#[must_use]
pub fn wsdl(address: &str) -> String {
    let signatures: Vec<&Signature> = operations::all().map(|it| &it.signature).collect();
    let mut out = Indented::default();
    out.line("<?xml version=\"1.0\" encoding=\"utf-8\"?>");
    // The original puts its `xmlns` in an order that varies between machines.
    let root = format!(
        "wsdl:definitions xmlns:soapenc=\"http://schemas.xmlsoap.org/soap/encoding/\" \
         xmlns:soap12=\"http://schemas.xmlsoap.org/wsdl/soap12/\" xmlns:http=\"http://schemas.xmlsoap.org/wsdl/http/\" \
         xmlns:tns=\"{NAMESPACE}\" xmlns:mime=\"http://schemas.xmlsoap.org/wsdl/mime/\" \
         xmlns:tm=\"http://microsoft.com/wsdl/mime/textMatching/\" xmlns:s=\"http://www.w3.org/2001/XMLSchema\" \
         xmlns:soap=\"http://schemas.xmlsoap.org/wsdl/soap/\" targetNamespace=\"{NAMESPACE}\" \
         xmlns:wsdl=\"http://schemas.xmlsoap.org/wsdl/\""
    );
    out.nest(&root, |out| {
        out.nest("wsdl:types", |out| schema(&signatures, out));
        signatures.iter().for_each(|it| messages(it, out));
        port_type(&signatures, out);
        for (port, soap) in ports() {
            binding(&signatures, port, soap, out);
        }
        service(&escape(address), out);
    });
    out.out
}

/// The ports, each with the prefix of its version of SOAP.
fn ports() -> impl Iterator<Item = (&'static str, &'static str)> {
    PORTS.into_iter().zip(["soap", "soap12"])
}

/// Every element, each followed by the types that it is the first to use.
fn schema(signatures: &[&Signature], out: &mut Indented) {
    let mut types = Vec::new();
    let tag = format!("s:schema elementFormDefault=\"qualified\" targetNamespace=\"{NAMESPACE}\"");
    out.nest(&tag, |out| {
        for it in signatures {
            for (suffix, particles) in [("", request(it)), ("Response", reply(it))] {
                out.nest(&format!("s:element name=\"{}{suffix}\"", it.name), |out| {
                    out.nest("s:complexType", |out| sequence(&particles, out));
                });
                let known = types.len();
                particles.iter().for_each(|it| collect_types(it.shape, &mut types));
                types[known..].iter().for_each(|it| define(it, out));
            }
        }
    });
}

/// The definition of a type.
fn define(shape: &Shape, out: &mut Indented) {
    let name = shape.name();
    match shape {
        Shape::Choice { values, .. } => out.nest(&format!("s:simpleType name=\"{name}\""), |out| {
            out.nest("s:restriction base=\"s:string\"", |out| {
                values.iter().for_each(|it| out.empty(&format!("s:enumeration value=\"{it}\"")));
            });
        }),
        Shape::Array(item) => out.nest(&format!("s:complexType name=\"{name}\""), |out| {
            out.nest("s:sequence", |out| {
                let (item, ty) = (item.name(), qualified(item));
                out.empty(&format!(
                    "s:element minOccurs=\"0\" maxOccurs=\"unbounded\" name=\"{item}\" nillable=\"true\" type=\"{ty}\""
                ));
            });
        }),
        record => out.nest(&format!("s:complexType name=\"{name}\""), |out| {
            let particles: Vec<Particle> = record.fields().iter().map(Particle::from).collect();
            sequence(&particles, out);
        }),
    }
}

fn sequence(particles: &[Particle], out: &mut Indented) {
    if particles.is_empty() {
        return;
    }
    out.nest("s:sequence", |out| {
        for Particle { name, shape, .. } in particles {
            let min = if is_value(shape) { 1 } else { 0 };
            let ty = qualified(shape);
            out.empty(&format!("s:element minOccurs=\"{min}\" maxOccurs=\"1\" name=\"{name}\" type=\"{ty}\""));
        }
    });
}

/// Whether .NET holds it as a value, which is always there; strings, records and arrays may be null.
fn is_value(shape: &Shape) -> bool {
    match shape {
        Shape::Simple(primitive) => *primitive != Primitive::String,
        Shape::Choice { .. } => true,
        Shape::Record { .. } | Shape::Optional(_) | Shape::Array(_) => false,
    }
}

/// The name of a type with its prefix.
fn qualified(shape: &'static Shape) -> String {
    let prefix = if matches!(present(shape), Shape::Simple(_)) { "s" } else { "tns" };
    format!("{prefix}:{}", shape.name())
}

fn messages(signature: &Signature, out: &mut Indented) {
    let name = signature.name;
    for (way, element) in [("SoapIn", ""), ("SoapOut", "Response")] {
        out.nest(&format!("wsdl:message name=\"{name}{way}\""), |out| {
            out.empty(&format!("wsdl:part name=\"parameters\" element=\"tns:{name}{element}\""));
        });
    }
}

/// The method's name, and the attribute by which its input and output say which overload they belong to.
fn method(signature: &Signature) -> (&'static str, String) {
    match signature.overload_of {
        Some(method) => (method, format!(" name=\"{}\"", signature.name)),
        None => (signature.name, String::new()),
    }
}

fn port_type(signatures: &[&Signature], out: &mut Indented) {
    out.nest(&format!("wsdl:portType name=\"{}\"", PORTS[0]), |out| {
        for it in signatures {
            let (method, overload) = method(it);
            out.nest(&format!("wsdl:operation name=\"{method}\""), |out| {
                out.empty(&format!("wsdl:input{overload} message=\"tns:{}SoapIn\"", it.name));
                out.empty(&format!("wsdl:output{overload} message=\"tns:{}SoapOut\"", it.name));
            });
        }
    });
}

fn binding(signatures: &[&Signature], port: &str, soap: &str, out: &mut Indented) {
    out.nest(&format!("wsdl:binding name=\"{port}\" type=\"tns:{}\"", PORTS[0]), |out| {
        out.empty(&format!("{soap}:binding transport=\"http://schemas.xmlsoap.org/soap/http\""));
        for it in signatures {
            let (method, overload) = method(it);
            out.nest(&format!("wsdl:operation name=\"{method}\""), |out| {
                let action = format!("{NAMESPACE}/{}", it.name);
                out.empty(&format!("{soap}:operation soapAction=\"{action}\" style=\"document\""));
                for way in ["input", "output"] {
                    out.nest(&format!("wsdl:{way}{overload}"), |out| {
                        out.empty(&format!("{soap}:body use=\"literal\""))
                    });
                }
            });
        }
    });
}

fn service(address: &str, out: &mut Indented) {
    out.nest(&format!("wsdl:service name=\"{SERVICE}\""), |out| {
        for (port, soap) in ports() {
            out.nest(&format!("wsdl:port name=\"{port}\" binding=\"tns:{port}\""), |out| {
                out.empty(&format!("{soap}:address location=\"{address}\""));
            });
        }
    });
}
