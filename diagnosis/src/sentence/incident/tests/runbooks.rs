//! The page of runbooks has what an alert links to: a section for each fault, in both languages, that names its owner.

use super::*;

const PAGE: &str = include_str!("../../../../../docs/runbooks/README.md");

/// The section whose anchor is this word.
fn section(word: &str) -> &'static str {
    let mut sections = PAGE.split("\n## ").skip(1);
    sections
        .find(|section| section.lines().next() == Some(word))
        .unwrap_or_else(|| panic!("docs/runbooks/README.md has no section {word}"))
}

#[test]
fn every_fault_has_its_runbook_in_both_languages() {
    for fault in Fault::ALL {
        let section = section(fault.as_str());
        for part in [
            "Là gì",
            "Kiểm tra tại chỗ",
            "Cách làm",
            "Ai",
            "What it is",
            "Confirm on the spot",
            "What to do",
            "Who",
        ] {
            let start = format!("- **{part}:** ");
            let line = section
                .lines()
                .find_map(|line| line.strip_prefix(start.as_str()));
            let line = line.unwrap_or_else(|| panic!("{fault}: no {part}"));
            assert!(
                line.len() > 5 && line.ends_with(['.', '?']),
                "{fault}: {part}: {line}"
            );
        }
    }
    assert_eq!(
        PAGE.matches("\n## ").count(),
        Fault::ALL.len(),
        "sections of no fault"
    );
}

#[test]
fn a_runbook_names_those_who_act_in_their_order() {
    for fault in Fault::ALL {
        let section = section(fault.as_str());
        let names = |vi: bool| {
            let names = doers(*fault).iter().map(|owner| {
                let name = owner.name(None);
                if vi { name.vi } else { name.en }
            });
            names.collect::<Vec<_>>()
        };
        for (part, then, names) in [
            ("Ai", "; rồi ", names(true)),
            ("Who", "; then ", names(false)),
        ] {
            let line = format!("- **{part}:** {}.", capital(&names.join(then)));
            assert!(
                section.contains(&line),
                "{fault}: {line:?} is not in {section}"
            );
        }
    }
}
