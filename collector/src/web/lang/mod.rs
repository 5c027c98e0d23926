//! Vietnamese and English from one list of texts, and which of the two a visitor gets.
//!
//! [`Texts`] has one field per text, so a language that lacks one does not compile. `{}` marks where
//! a value goes. Texts avoid plurals ("silent: 2") because the languages form them differently.

pub(in crate::web) mod device;
mod en;
pub(in crate::web) mod verdict;
mod vi;

use axum::http::HeaderMap;
use axum::http::header::{ACCEPT_LANGUAGE, COOKIE};

/// A language of the page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Language {
    Vietnamese,
    English,
}

/// The cookie that remembers a choice.
pub(super) const COOKIE_NAME: &str = "lang";

impl Language {
    /// Both, in the order they are offered.
    pub(super) const ALL: [Self; 2] = [Self::Vietnamese, Self::English];

    /// For `lang` attributes, queries and the cookie.
    pub(super) fn code(self) -> &'static str {
        match self {
            Self::Vietnamese => "vi",
            Self::English => "en",
        }
    }

    /// As its speakers call it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Vietnamese => "Tiếng Việt",
            Self::English => "English",
        }
    }

    /// What the page says in it.
    pub(super) fn texts(self) -> &'static Texts {
        match self {
            Self::Vietnamese => &vi::TEXTS,
            Self::English => &en::TEXTS,
        }
    }

    /// The one of two.
    pub(super) fn pick<T>(self, vi: T, en: T) -> T {
        match self {
            Self::Vietnamese => vi,
            Self::English => en,
        }
    }

    /// The language of a code: `vi`, `en`, `en-GB`.
    pub(super) fn of_code(code: &str) -> Option<Self> {
        let primary = code.split('-').next().unwrap_or_default().trim();
        Self::ALL
            .into_iter()
            .find(|language| primary.eq_ignore_ascii_case(language.code()))
    }

    /// What a visitor's browser asks for: the cookie, then its preferences, then Vietnamese.
    pub(super) fn of_headers(headers: &HeaderMap) -> Self {
        let cookie = headers
            .get_all(COOKIE)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(';'))
            .filter_map(|pair| pair.trim().split_once('='))
            .find(|(name, _)| *name == COOKIE_NAME)
            .and_then(|(_, code)| Self::of_code(code));
        let preferred = || {
            let header = headers.get(ACCEPT_LANGUAGE)?.to_str().ok()?;
            preferred(header)
        };
        cookie.or_else(preferred).unwrap_or(Self::Vietnamese)
    }
}

/// The best language of an `Accept-Language` header that we have.
fn preferred(header: &str) -> Option<Language> {
    let weighted = header.split(',').filter_map(|item| {
        let (code, parameters) = item.split_once(';').unwrap_or((item, ""));
        let quality = match parameters.trim().strip_prefix("q=") {
            Some(quality) => quality.parse::<f32>().ok()?,
            None => 1.0,
        };
        Some((Language::of_code(code)?, quality))
    });
    let acceptable = weighted.filter(|(_, quality)| *quality > 0.0);
    // The first of several with the same weight.
    let best = acceptable.reduce(|best, next| if next.1 > best.1 { next } else { best });
    best.map(|(language, _)| language)
}

/// Puts values where a text has `{}`, in order.
pub(super) fn fill(text: &str, values: &[&str]) -> String {
    let mut parts = text.split("{}");
    let mut filled = parts.next().unwrap_or_default().to_owned();
    for (part, value) in parts.zip(values.iter().chain(std::iter::repeat(&""))) {
        filled.push_str(value);
        filled.push_str(part);
    }
    filled
}

macro_rules! texts {
    ($($name:ident)*) => {
        /// Everything a page says.
        #[derive(Debug)]
        pub(super) struct Texts {
            /// Which of the two this is, for what has a table of its own.
            pub(super) language: Language,
            $(pub(super) $name: &'static str,)*
        }

        #[cfg(test)]
        impl Texts {
            fn all(&self) -> Vec<(&'static str, &'static str)> {
                vec![$((stringify!($name), self.$name)),*]
            }
        }
    };
}

texts! {
    tagline skip_to_content language_choice updated_at refreshes_itself connection_lost
    renewal_failed renewal_waits footer
    province_heading devices
    standing_lost standing_poor standing_notice standing_unknown standing_unmeasured standing_good
    standing_off
    standing_lost_meaning standing_poor_meaning standing_notice_meaning standing_unknown_meaning
    standing_unmeasured_meaning standing_good_meaning standing_off_meaning
    presence_live presence_silent presence_goodbye presence_never
    never_said_anything silent_since goodbye_since goodbye_asleep goodbye_stopped
    came came_clean_boot came_power_loss came_wake came_restart last_report values_hidden
    open closed
    column_centre column_devices column_loss column_delay column_delay_short column_device column_system
    column_memory column_disk column_target column_answer
    filter_label filter_placeholder filter_area filter_isp filter_any filter_button filter_clear
    nothing_matches pages previous_page next_page
    gateway_and_line all_off_while_open silent_among_off no_answer
    no_centres_title no_centres_what no_devices_title no_devices_what no_devices_next
    area isp hours position notes hours_unset weekdays
    links links_none over_tcp over_tcp_note smallest median largest jitter loss delay loss_now
    loss_recent sent_received by_expiry
    identity model vendor serial operating_system host_name kernel platform agent_version
    certificate_until certificate_expired clock clock_wrong clock_right kind
    processor cpu_usage load memory memory_available memory_total swap disks free_of
    disk_traffic network interface_down temperature started running_for
    agent_itself spool spool_empty spool_since dropped broken_sources broken_sources_what
    last_hour history_empty between
    segment_device segment_lan segment_gateway segment_line segment_isp segment_core segment_dns
    segment_service
    path path_good path_weak path_unmeasured path_of_devices weak_here this_machine machines
    machines_measure collector_name not_measured others_too excused_note mtu black_hole variation spread
    duplicates reordered services ends_fail outcome_of resolver_system certificate_ends slow phase_dns phase_connect
    phase_tls phase_first_byte phase_transfer route_to route_length route_unfinished
    route_changes route_changed silent_hop throughput download upload loaded_rtt half_duplex
    carrier_changes wifi_signal portal_fails portal_wide names_fail
    asked_devices asked_by asked_by_nobody not_asked not_asked_yet device_away device_away_what
    answers all_well supply_out supply_full supply_left supply_room supply_out_what supply_left_what
    ups_on_battery ups_on_battery_for ups_on_battery_what ups_battery_low ups_battery_low_what
    ups_battery_replace ups_battery_replace_what ups_overloaded ups_overloaded_what line_down
    line_down_what line_full line_full_what supplies level_left level_room trays printing
    device_state pages_made jobs_waiting power on_mains on_battery battery battery_lasts power_load
    the_line line_rate ports_connected interfaces column_interface column_speed
    column_errors port_connected port_disabled is_the_line address mac_address firmware owner_name
    asked_from last_asked how_asked changes changes_unknown device_facts waiting_title waiting_what
    waiting_credential waiting_credential_name things_trouble things_others_too
    places_others_too
    errors received sent_bytes
    ago_seconds ago_minutes ago_hours ago_days in_future
    days_unit hours_unit minutes_unit
    not_found_title not_found_what busy_title busy_what failed_title failed_what back_home
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_languages_say_everything() {
        for ((name, vi), (_, en)) in vi::TEXTS.all().into_iter().zip(en::TEXTS.all()) {
            assert!(!vi.trim().is_empty() && !en.trim().is_empty(), "{name}");
            let places = |text: &str| text.matches("{}").count();
            assert_eq!(places(vi), places(en), "{name}: values to fill in");
            assert_ne!(vi, en, "{name} is not translated");
        }
    }

    #[test]
    fn the_browser_chooses_unless_the_visitor_did() {
        let check = |cookie: &str, accept: &str, expected: Language| {
            let mut headers = HeaderMap::new();
            if !cookie.is_empty() {
                headers.insert(COOKIE, cookie.parse().expect("a header"));
            }
            if !accept.is_empty() {
                headers.insert(ACCEPT_LANGUAGE, accept.parse().expect("a header"));
            }
            assert_eq!(
                Language::of_headers(&headers),
                expected,
                "{cookie} {accept}"
            );
        };
        check("", "", Language::Vietnamese);
        check("", "fr-FR,fr;q=0.9", Language::Vietnamese);
        check("", "en-GB,en;q=0.9", Language::English);
        check("", "en;q=0.5, vi;q=0.8", Language::Vietnamese);
        check("", "vi;q=0, en;q=0.1", Language::English);
        check("", "en;q=nonsense", Language::Vietnamese);
        check("a=b; lang=en", "vi", Language::English);
        check("lang=vi", "en", Language::Vietnamese);
        check("lang=klingon", "en", Language::English);
    }

    #[test]
    fn values_go_where_the_text_has_a_place() {
        assert_eq!(fill("{} of {}", &["1", "2"]), "1 of 2");
        assert_eq!(fill("plain", &["1"]), "plain");
        assert_eq!(fill("{}!", &["{}"]), "{}!");
    }
}
