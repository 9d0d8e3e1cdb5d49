#![no_main]

use libfuzzer_sys::fuzz_target;
use locmfa::xml::{Node, Reader};

// The reader beside roxmltree: both accept a text or both refuse it, the known differences aside.
fuzz_target!(|text: &str| {
    let mut reader = Reader::new(text);
    let mut last = 0;
    let accepted = loop {
        match reader.read() {
            Ok(Node::Done) => break true,
            // roxmltree refuses entities that are not declared; .NET leaves them to who reads on.
            Ok(Node::Entity) => return,
            Ok(Node::Element) if reader.expand_attributes().is_err() => return,
            Ok(_) => {
                assert!(reader.place() >= last, "places go forward");
                last = reader.place();
                let _ = (reader.value(), reader.namespace().len(), reader.position());
            }
            Err(_) => break false,
        }
    };
    let other = roxmltree::Document::parse(text);
    if accepted != other.is_ok() && !differ(text) {
        panic!("accepted: {accepted}; roxmltree: {:?}\n{text:?}", other.err());
    }
});

/// Where the two are known to differ, on the safe side: a text that has what makes one of them differ.
fn differ(text: &str) -> bool {
    // roxmltree follows the fifth edition in names, takes a surrogate for U+FFFD, knows `xmlns:a=""` and any version, and
    // does not look at `xml:space`, at the words of the declaration, at `xml` in another case or at what follows the target of
    // an instruction, and takes a name that begins with a colon. .NET splits numbers above U+10FFFF, ends a document at a zero, and lets a namespace of XML have another
    // prefix.
    !text.is_ascii()
        || ["&#", "xmlns", "xml:", "<?", "\0", "<!D"].iter().any(|it| text.contains(it))
        || text.as_bytes().windows(2).any(|it| it[1] == b':' && !it[0].is_ascii_alphanumeric())
}
