//! The tags of the company, and those that users and rules name.

use crate::contract::Tag;
use crate::engine::Company;
use crate::text::listed;

use super::fields::{Reader, mapping};
use super::mistake::{Code, closest, quoted};
use super::names::Names;
use super::values::{Item, List, Name, Placed, ReaderExt, text_as, text_or};
use super::written::Written;

/// A tag as it is written: its name with its place, and its identifier.
type WrittenTag<'a> = ((Written<'a>, String), Option<String>);

/// Tags; one that is a name alone has its place in the list for its identifier.
pub(super) fn tags<'a>() -> impl Reader<'a, Value = Vec<Tag>> {
    let (mut ids, mut names) = (Names::new("tag with the identifier"), Names::new("tag"));
    let mut place = 0;
    let tag = text_or(
        Placed(Name).map(|name| -> WrittenTag<'a> { (name, None) }),
        mapping("tag", "a tag", |fields| {
            let name = fields.need("name", Placed(Name));
            let id = fields.get("tag_id", Name);
            Some((name?, id))
        }),
    );
    List(Item(
        "a tag",
        tag.and_then(move |((written_name, name), id): WrittenTag<'a>, written| {
            place += 1;
            let name = names.add(written_name, &name);
            let id = ids.add(written, &id.unwrap_or_else(|| place.to_string()))?;
            Some(Tag { tag_id: Some(id), name: Some(name?) })
        }),
    ))
}

/// The identifier of a tag of a user, by its name or identifier.
pub(super) fn tag_of_user<'a>(company: &Company) -> impl Reader<'a, Value = String> {
    let read = move |written: Written<'a>| {
        let text = written.name()?;
        let is = |it: &&Tag| it.name.as_deref() == Some(text) || it.tag_id.as_deref() == Some(text);
        if let Some(tag) = company.tags.iter().find(is) {
            return tag.tag_id.clone();
        }
        let names = || company.tags.iter().filter_map(|it| it.name.as_deref());
        written.unknown_word(text, names(), || match company.tags.is_empty() {
            true => "none yet; name them under company: tags".into(),
            false => listed(names()),
        })
    };
    Item("a tag", text_as("name or identifier", read))
}

/// The identifier of a tag that a rule asks for, by its name or identifier, whatever the letter case.
pub(super) fn tag_of_rule<'a>(company: &Company) -> impl Reader<'a, Value = String> {
    text_as("name or identifier", move |written: Written<'a>| {
        let text = written.name()?;
        let has = |it: &Option<String>| it.as_ref().is_some_and(|it| it.eq_ignore_ascii_case(text));
        let found = company.tags.iter().find(|it| has(&it.name) || has(&it.tag_id));
        found.and_then(|it| it.tag_id.clone()).or_else(|| {
            let names = || company.tags.iter().filter_map(|it| it.name.as_deref());
            written.wrong_with(Code::UnknownWord, || {
                let help = match closest(text, names()) {
                    Some(meant) => format!("Did you mean {meant}?"),
                    None => format!("Add it: company: {{tags: [{text}]}}"),
                };
                (format!("the company has no tag {}", quoted(text)), [help])
            })
        })
    })
}
