//! The section of the runbook on a fault, in the visitor's language: compiled in, so that it is there when the network is
//! not.
//!
//! The book is Markdown of one shape, which a test holds: a section a fault, a list in each language, each item
//! `- **What:** text`. Deliberately absent: any other Markdown.

use maud::{Markup, html};

use super::super::Visitor;
use crate::web::lang::verdict;

const BOOK: &str = include_str!("../../../../../docs/runbooks/README.md");

/// How this fault is recognised and mended; nothing for a word the book does not know.
pub(super) fn section(visitor: &Visitor, fault: &str) -> Markup {
    let items = items(fault);
    let items = visitor.language.pick(items.0, items.1);
    html! {
        @if !items.is_empty() {
            section #runbook {
                h2 { (visitor.say(verdict::RUNBOOK)) }
                dl.runbook {
                    @for (what, text) in items { div { dt { (what) } dd { (code(text)) } } }
                }
            }
        }
    }
}

/// A heading and its text.
type Item = (&'static str, &'static str);

/// The items of a fault's section, Vietnamese and English.
fn items(fault: &str) -> (Vec<Item>, Vec<Item>) {
    let mut sections = BOOK.split("\n## ");
    let section = sections.find_map(|section| section.strip_prefix(fault)?.strip_prefix('\n'));
    let lists = section
        .unwrap_or_default()
        .split("\n\n")
        .filter(|part| part.starts_with("- "));
    let mut lists = lists.map(|list| list.lines().filter_map(item).collect());
    (
        lists.next().unwrap_or_default(),
        lists.next().unwrap_or_default(),
    )
}

fn item(line: &'static str) -> Option<Item> {
    let (what, text) = line.strip_prefix("- **")?.split_once(":** ")?;
    Some((what, text.trim()))
}

/// Text with commands in it.
fn code(text: &str) -> Markup {
    html! {
        @for (place, part) in text.split('`').enumerate() {
            @if place % 2 == 1 { code { (part) } } @else { (part) }
        }
    }
}

#[cfg(test)]
mod tests {
    use diagnosis::Fault;

    use super::*;

    #[test]
    fn every_fault_has_its_section_in_both_languages() {
        for fault in Fault::ALL {
            let (vi, en) = items(fault.as_str());
            assert!(
                vi.len() >= 4 && vi.len() == en.len(),
                "{fault}: {vi:?} {en:?}"
            );
            assert!(
                vi.iter().any(|(what, _)| *what == "Cách làm"),
                "{fault}: {vi:?}"
            );
            assert!(
                en.iter().any(|(what, _)| *what == "What to do"),
                "{fault}: {en:?}"
            );
        }
        assert_eq!(items("nothing"), (Vec::new(), Vec::new()));
        assert_eq!(items(""), (Vec::new(), Vec::new()));
    }
}
