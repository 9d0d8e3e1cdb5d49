#![no_main]

use libfuzzer_sys::fuzz_target;
use locmfa::operations::{self, Operation};
use locmfa::soap::{self, Head, Rejected};
use locmfa::xml;

// A line with the SOAPAction, empty where there is none; a line with the content type; the body.
fuzz_target!(|input: &[u8]| {
    let mut parts = input.splitn(3, |it| *it == b'\n');
    let (Some(action), Some(content_type), Some(body)) = (parts.next(), parts.next(), parts.next()) else { return };
    let (Ok(action), Ok(content_type)) = (str::from_utf8(action), str::from_utf8(content_type)) else { return };
    let head = Head { soap_action: Some(action).filter(|it| !it.is_empty()), content_type };
    let opened =
        soap::open(&head, body, operations::find, |it: &Operation| it.signature.name, |it, element| it.read(element));
    match opened {
        Ok(call) => drop(call.request.values()),
        Err(Rejected::Fault(version, fault, _)) => {
            let sealed = soap::seal_fault(version, &fault);
            // As .NET does, a fault repeats even what XML cannot carry.
            assert!(xml::read(&sealed).is_ok() || sealed.contains("&#x"), "{sealed}");
        }
        Err(_) => (),
    }
    // A rejected body is logged.
    let _ = operations::without_secrets(&String::from_utf8_lossy(body));
});
