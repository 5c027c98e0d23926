//! What no compiler checks: files say what they are for, stay short, and dependencies point one way.

use std::path::{Path, PathBuf};

/// Longer than this, a file is missing an idea.
const LINES: usize = 600;

/// Of ours, what each package may use, tests aside. `settings` and `proto` are used by both programs,
/// which do not know each other; only the root package knows both.
const MAY_USE: [(&str, &[&str]); 9] = [
    ("proto", &[]),
    ("settings", &[]),
    ("spool", &[]),
    ("diagnosis", &[]),
    ("agent", &["proto", "settings", "spool", "diagnosis"]),
    ("collector", &["proto", "settings", "spool", "diagnosis"]),
    ("dashboards", &["proto"]),
    ("fuzz", &["proto"]),
    (
        ".",
        &[
            "proto",
            "settings",
            "spool",
            "diagnosis",
            "agent",
            "collector",
            "dashboards",
        ],
    ),
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every file of ours that is written by hand and ends so.
fn files(extension: &str) -> Vec<(PathBuf, String)> {
    let mut files = Vec::new();
    let mut folders = vec![root().to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("a folder of ours") {
            let path = entry.expect("an entry").path();
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            let foreign =
                name.starts_with('.') || ["target", "generated", "data"].contains(&&*name);
            if path.is_dir() && !foreign {
                folders.push(path);
            } else if path.extension().is_some_and(|found| found == extension) {
                let text = std::fs::read_to_string(&path).expect("a file of ours");
                files.push((path.strip_prefix(root()).expect("below").to_owned(), text));
            }
        }
    }
    assert!(!files.is_empty(), "no {extension} file found");
    files
}

fn refuse(what: &str, wrong: &[String]) {
    assert!(wrong.is_empty(), "{what}:\n{}", wrong.join("\n"));
}

#[test]
fn every_file_says_what_it_is_for() {
    let silent: Vec<_> = files("rs")
        .into_iter()
        .filter(|(_, text)| !text.starts_with("//! "))
        .map(|(path, _)| path.display().to_string())
        .collect();
    refuse("begin these with `//!`: what, why, what is absent", &silent);
}

#[test]
fn no_file_is_too_long() {
    let long: Vec<_> = files("rs")
        .into_iter()
        .map(|(path, text)| (path, text.lines().count()))
        .filter(|(_, lines)| *lines > LINES)
        .map(|(path, lines)| format!("{}: {lines} lines", path.display()))
        .collect();
    refuse("longer than 600 lines", &long);
}

#[test]
fn nothing_is_left_to_do() {
    // Written apart, so that this file is not found itself.
    let marks = [
        concat!("todo", "!("),
        concat!("unimplemented", "!("),
        concat!("TO", "DO"),
    ];
    let mut open = Vec::new();
    for (path, text) in files("rs").into_iter().chain(files("proto")) {
        for (number, line) in text.lines().enumerate() {
            if marks.iter().any(|mark| line.contains(mark)) {
                open.push(format!(
                    "{}:{}: {}",
                    path.display(),
                    number + 1,
                    line.trim()
                ));
            }
        }
    }
    refuse("finish it or leave it out", &open);
}

#[test]
fn dependencies_point_one_way() {
    let ours: Vec<&str> = MAY_USE.iter().map(|(name, _)| *name).collect();
    let mut wrong = Vec::new();
    for (path, text) in files("toml") {
        if path.file_name().is_none_or(|name| name != "Cargo.toml") {
            continue;
        }
        let folder = path
            .parent()
            .and_then(Path::to_str)
            .filter(|f| !f.is_empty());
        let folder = folder.unwrap_or(".");
        let Some((_, allowed)) = MAY_USE.iter().find(|(name, _)| *name == folder) else {
            wrong.push(format!(
                "{folder} is a new package: say in tests/tidy.rs what it may use"
            ));
            continue;
        };
        for used in dependencies(&text) {
            if ours.contains(&used) && !allowed.contains(&used) {
                wrong.push(format!("{folder} must not use {used}"));
            }
        }
    }
    refuse("see the code map in ARCHITECTURE.md", &wrong);
}

/// Names below `[dependencies]` and `[target.….dependencies]`, not those of tests and builds.
fn dependencies(manifest: &str) -> Vec<&str> {
    let mut inside = false;
    let mut names = Vec::new();
    for line in manifest.lines() {
        if let Some(table) = line.strip_prefix('[') {
            let table = table.trim_end_matches(']');
            inside = table == "dependencies"
                || table.ends_with(".dependencies") && table != "workspace.dependencies";
        } else if inside && line.starts_with(|c: char| c.is_ascii_alphabetic()) {
            names.extend(line.split(['.', ' ', '=']).next());
        }
    }
    names
}

#[test]
fn dependencies_are_read() {
    let manifest = "[dependencies]\na.workspace = true\nb = \"1\"\n# c\n[dev-dependencies]\nd = \"1\"\n\
        [target.'cfg(unix)'.dependencies]\ne = \"1\"\n[workspace.dependencies]\nf = \"1\"\n";
    assert_eq!(dependencies(manifest), ["a", "b", "e"]);
}
