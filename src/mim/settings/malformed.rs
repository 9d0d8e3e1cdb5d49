//! What is wrong with a settings file that is not XML, in plain words.

use super::{character, local, secrets};
use crate::text::counted;
use crate::xml::{Malformed, Node, Position, Reader};

/// Where the text is not XML: what is wrong, and at which byte.
pub(super) fn is_well_formed(text: &str) -> Result<(), (String, usize)> {
    let mut reader = Reader::new(text);
    let read_all = |reader: &mut Reader<'_>| {
        while reader.read()? != Node::Done {
            if reader.node() == Node::Entity {
                reader.expand()?;
            }
        }
        Ok(())
    };
    read_all(&mut reader).map_err(|malformed: Box<Malformed>| {
        let at = malformed.position.map_or(0, |it| it.offset(text));
        // The reader repeats what it finds, which may be a part of a key.
        let secrets = secrets(text);
        let is_secret = secrets.iter().any(|it| it.contains(&at));
        let is_hidden = |name: &str| secrets.iter().any(|it| local(&text[it.clone()]) == local(name));
        let mut quoted = malformed.reason.split('\'').skip(1).step_by(2);
        let words = match quoted.any(|it| is_hidden(it) || (is_secret && it.contains(char::is_alphanumeric))) {
            true => String::new(),
            false => format!(" ({})", shortened(&malformed.reason)),
        };
        (explained(text, &reader, at, is_hidden) + &words, at)
    })
}

/// What is wrong with a text that is not XML, in plain words.
fn explained(text: &str, reader: &Reader<'_>, at: usize, is_hidden: impl Fn(&str) -> bool) -> String {
    let line = Position::of(text, at).line;
    let of_line = text[at..].split(['\r', '\n']).next().unwrap_or_default();
    let end_tag = text[..at].strip_suffix("</").and_then(|_| of_line.split('>').next());
    let mut open = reader.open_elements();
    match (open.len(), open.next()) {
        _ if text.trim().is_empty() => "The file is empty.".into(),
        _ if text[at..].starts_with(['“', '”', '„', '‘', '’']) => {
            format!("Line {line} has typographic quotes (“ ”). Replace them with `\"`.")
        }
        (1, Some(root)) if at == text.len() => format!("`</{root}>` is missing at the end of the file."),
        (depth, Some(root)) if at == text.len() => {
            let others = counted(depth - 1, "more end tag");
            format!("The file ends without `</{root}>` and without {others}.")
        }
        (_, Some(_)) if end_tag.is_some() => {
            let opened = reader.open_elements().last().unwrap_or_default();
            let ended = end_tag.unwrap_or_default().trim_end();
            match is_hidden(opened) || is_hidden(ended) {
                true => format!(
                    "Line {line} has a `<` in a value, or an end tag too few or too many. Write `&lt;` for a `<`."
                ),
                false => format!("Line {line} ends `<{opened}>` with `</{ended}>`."),
            }
        }
        _ => match text[at..].chars().next().filter(|it| !it.is_ascii()) {
            Some(strange) => format!(
                "Line {line} has {} where a name or a value belongs. Delete it, or write it as the article does.",
                character(strange)
            ),
            None => format!("Line {line} is not XML."),
        },
    }
}

/// The reader's words. It can list a whole file of elements that are not closed.
fn shortened(words: &str) -> &str {
    match words.len() > 200 {
        true => words[..words.floor_char_boundary(200)].trim_end(),
        false => words,
    }
}
