//! `[alertmanager]`: who tells people.

use reqwest::Url;
use settings::Table;

/// Where the runbooks are, unless they are published elsewhere.
const RUNBOOKS: &str = "docs/runbooks/README.md";

/// Of a link.
const LINK_BYTES: usize = 500;

/// One Alertmanager, and what it links to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alertmanager {
    /// Its root, as its page is opened.
    pub url: Url,
    /// Our page, as those who read alerts reach it.
    pub page: Option<Url>,
    /// What `#` and the name of a fault are appended to.
    pub runbooks: String,
}

impl Alertmanager {
    /// What is usual, at an address.
    #[must_use]
    pub fn at(url: Url) -> Self {
        Self {
            url,
            page: None,
            runbooks: RUNBOOKS.to_owned(),
        }
    }
}

/// Asks for every key, also when one of them is wrong.
pub(super) fn alertmanager(root: &Table<'_>) -> Option<Alertmanager> {
    let table = root.table("alertmanager");
    if root.has("alertmanager") {
        table.require(&["url"]);
    }
    let url = url(&table, "url", "http://localhost:9093");
    let page = self::url(&table, "page", "https://dawnwatch.example/");
    let runbooks = runbooks(&table);
    let usual = Alertmanager::at(url?);
    Some(Alertmanager {
        page,
        runbooks: runbooks.unwrap_or(usual.runbooks),
        url: usual.url,
    })
}

fn url(table: &Table<'_>, key: &'static str, example: &str) -> Option<Url> {
    let text = table.text(key)?;
    match text.parse::<Url>() {
        Ok(url) if !matches!(url.scheme(), "http" | "https") || !url.has_host() => {}
        Ok(url) if !url.username().is_empty() || url.password().is_some() => {
            let message = "must not hold a password: it would be told to everybody, or logged";
            table.mistake_at(key, message);
            return None;
        }
        Ok(url) if url.query().is_some() || url.fragment().is_some() => {}
        Ok(url) => return Some(url),
        Err(_) => {}
    }
    table.mistake_at(key, &format!("must be a URL such as \"{example}\""));
    None
}

fn runbooks(table: &Table<'_>) -> Option<String> {
    let text = table.text("runbooks")?;
    if !text.is_empty() && text.len() <= LINK_BYTES && !text.contains(char::is_control) {
        return Some(text);
    }
    table.mistake_at("runbooks", "must be the address or the path of a page");
    None
}
