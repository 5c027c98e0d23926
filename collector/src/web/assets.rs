//! The three files that pages refer to: compiled in, cached by browsers for good under an address
//! that changes with their content.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};

/// A file of the page.
pub(super) struct Asset {
    pub(super) path: &'static str,
    media_type: &'static str,
    content: &'static str,
}

pub(super) static STYLE: Asset = Asset {
    path: "/assets/style.css",
    media_type: "text/css; charset=utf-8",
    content: include_str!("assets/style.css"),
};

/// Renews the page without a flicker, and says when it no longer can.
pub(super) static RENEW: Asset = Asset {
    path: "/assets/renew.js",
    media_type: "text/javascript; charset=utf-8",
    content: include_str!("assets/renew.js"),
};

pub(super) static ICON: Asset = Asset {
    path: "/assets/icon.svg",
    media_type: "image/svg+xml",
    content: include_str!("assets/icon.svg"),
};

impl Asset {
    /// Where pages find this very content.
    pub(super) fn address(&self) -> String {
        format!("{}?v={}", self.path, self.version())
    }

    fn version(&self) -> String {
        let mut hasher = DefaultHasher::new();
        self.content.hash(&mut hasher);
        format!("{:016x}", hasher.finish())
    }

    /// Answers a request for it: not again when the browser has it.
    pub(super) fn respond(&self, request: &HeaderMap) -> Response {
        let tag = format!("\"{}\"", self.version());
        let known = request
            .get(header::IF_NONE_MATCH)
            .and_then(|tags| tags.to_str().ok())
            .is_some_and(|tags| tags.contains(&tag));
        let headers = [
            (header::ETAG, tag),
            (header::CONTENT_TYPE, self.media_type.to_owned()),
            (
                header::CACHE_CONTROL,
                "public, max-age=31536000, immutable".to_owned(),
            ),
        ];
        if known {
            (StatusCode::NOT_MODIFIED, headers).into_response()
        } else {
            (headers, self.content).into_response()
        }
    }
}
