//! What it costs to read hostile documents: for each shape, the time of one byte must not grow with the size.

use divan::counter::BytesCount;
use divan::{Bencher, black_box};
use locmfa::xml::{Node, Reader};

fn main() {
    divan::main();
}

const SHAPES: [&str; 16] = [
    "deep",
    "wide",
    "attributes",
    "attributes-equal",
    "declarations",
    "declarations-nested",
    "prefixes-of-long-namespaces",
    "prefixes-of-many",
    "references",
    "entities",
    "long-name",
    "long-text",
    "line-ends",
    "brackets",
    "comments",
    "blanks",
];

/// A document of a shape, of about so many bytes.
fn document(shape: &str, size: usize) -> String {
    let repeated = |piece: &str, size: usize| piece.repeat(size / piece.len());
    let numbered = |piece: &str, size: usize| {
        let pieces = (0..).map(|it| piece.replace('#', &format!("{it:x}")));
        let mut length = 0;
        pieces.take_while(|it| (length < size, length += it.len()).0).collect::<String>()
    };
    let within = |content: String| format!("<r>{content}</r>");
    match shape {
        "deep" => repeated("<a>", size / 2) + &repeated("</a>", size / 2),
        "wide" => within(repeated("<a/>", size)),
        "attributes" => format!("<r{}/>", numbered(" a#=''", size)),
        "attributes-equal" => format!("<r{}/>", repeated(" a=''", size)),
        "declarations" => format!("<r{}/>", numbered(" xmlns:a#='u#'", size)),
        "declarations-nested" => numbered("<a xmlns:a#='u'>", size),
        "prefixes-of-long-namespaces" => {
            let long = "u".repeat(size / 4);
            format!("<r xmlns:p='{long}1' xmlns:q='{long}2'>{}</r>", repeated("<a p:a='' q:a=''/>", size / 2))
        }
        "prefixes-of-many" => {
            format!("<r{}>{}</r>", numbered(" xmlns:a#='u'", size / 2), numbered("<a# p='' q=''/>", size / 2))
        }
        "references" => within(repeated("&#65;", size)),
        "entities" => within(repeated("&a;", size)),
        "long-name" => format!("<{0}></{0}>", repeated("n", size / 2)),
        "long-text" => within(repeated("text ", size)),
        "line-ends" => within(repeated("\r\n", size)),
        "brackets" => within(repeated("]", size)),
        "comments" => within(repeated("<!---->", size)),
        "blanks" => format!("<r{}/>", repeated(" ", size)),
        other => unreachable!("{other}"),
    }
}

#[divan::bench(args = SHAPES, consts = [65_536, 1_048_576])]
fn read<const SIZE: usize>(bencher: Bencher<'_, '_>, shape: &str) {
    let document = document(shape, SIZE);
    bencher.counter(BytesCount::of_str(&document)).bench_local(|| {
        let mut reader = Reader::new(black_box(&document));
        let mut nodes = 0_u32;
        while !matches!(reader.read(), Ok(Node::Done) | Err(_)) {
            nodes += 1;
        }
        nodes
    });
}
