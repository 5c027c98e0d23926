//! The committed files are what the code makes. Refresh them with
//! `UPDATE=1 cargo test -p dawnwatch-dashboards`.

use std::path::Path;

use dawnwatch_dashboards::metrics_page;

#[test]
fn generated_files_are_fresh() {
    for file in dawnwatch_dashboards::files() {
        check(file.path, &file.content);
    }
}

#[test]
fn the_metrics_page_is_fresh() {
    check("../docs/metrics.md", &metrics_page::page());
}

fn check(path: &str, expected: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    if std::env::var_os("UPDATE").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, expected).unwrap();
        return;
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        committed == expected,
        "{} is stale: run `UPDATE=1 cargo test -p dawnwatch-dashboards`",
        path.display()
    );
}
