//! What to do, as steps: the first of them stands out, since it is read at a glance, on a phone, by somebody in a hurry.

use maud::{Markup, html};

/// The sentences of a text, in order. A full stop ends one where a capital follows: "ví dụ 1.400" is not cut.
fn sentences(text: &str) -> Vec<&str> {
    let mut all = Vec::new();
    let mut rest = text.trim();
    while let Some((one, others)) = rest
        .match_indices(['.', '?', '!'])
        .map(|(place, end)| rest.split_at(place + end.len()))
        .find(|(_, others)| {
            let next = others.strip_prefix(' ');
            next.is_some_and(|next| next.starts_with(char::is_uppercase))
        })
    {
        all.push(one);
        rest = others.trim_start();
    }
    all.push(rest);
    all
}

/// The first step alone.
pub(super) fn first(text: &str) -> &str {
    sentences(text).first().copied().unwrap_or_default()
}

/// What comes after the first step.
pub(super) fn rest(text: &str) -> Markup {
    let all = sentences(text);
    html! {
        @if let Some(rest) = all.get(1..).filter(|rest| !rest.is_empty()) {
            ul.steps { @for step in rest { li { (step) } } }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_sentence_is_a_step() {
        let text =
            "Gọi hỏi: có điện không? Nếu có: xem đèn (PON/LOS), đo 1.5 m. Không có: gọi điện lực.";
        assert_eq!(first(text), "Gọi hỏi: có điện không?");
        let rest = rest(text).into_string();
        assert_eq!(
            rest,
            "<ul class=\"steps\"><li>Nếu có: xem đèn (PON/LOS), đo 1.5 m.</li><li>Không có: gọi điện lực.</li></ul>"
        );
    }

    #[test]
    fn a_single_sentence_has_no_list() {
        assert_eq!(first("Call VNPT."), "Call VNPT.");
        assert_eq!(rest("Call VNPT.").into_string(), "");
        assert_eq!(first(""), "");
    }
}
