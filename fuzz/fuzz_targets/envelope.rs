#![no_main]

use libfuzzer_sys::fuzz_target;
use locmfa::operations::{self, Operation};
use locmfa::soap::{self, Head, Rejected};
use locmfa::xml::{Node, Reader};

// A line with the SOAPAction, empty where there is none; a line with the content type; the body.
fuzz_target!(|input: &[u8]| {
    let mut parts = input.splitn(3, |it| *it == b'\n');
    let (Some(action), Some(content_type), Some(body)) = (parts.next(), parts.next(), parts.next()) else { return };
    let (Ok(action), Ok(content_type)) = (str::from_utf8(action), str::from_utf8(content_type)) else { return };
    let head = Head { soap_action: Some(action).filter(|it| !it.is_empty()), content_type };
    let input = soap::decode(&head, body);
    match soap::open(&head, &input, operations::find, Operation::read) {
        Ok(call) => drop(call.request.values()),
        Err(Rejected::Fault(version, fault, _)) => {
            let sealed = soap::seal_fault(version, &fault);
            // As .NET does, a fault repeats even what XML cannot carry.
            let mut reader = Reader::new(&sealed);
            let is_xml = loop {
                match reader.read() {
                    Ok(Node::Done) => break true,
                    Ok(_) => (),
                    Err(_) => break false,
                }
            };
            assert!(is_xml || sealed.contains("&#x"), "{sealed}");
        }
        Err(_) => (),
    }
    // A rejected body is logged.
    let _ = operations::without_secrets(&String::from_utf8_lossy(body));
});
