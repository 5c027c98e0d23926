//! Which interface of a router leads to the line.
//!
//! Where its default route goes says it best ([`routes`]). Many routers of providers tell no routes:
//! then what speaks PPP, and then what is called as lines are called. Of several, those that are up; and
//! when none is, the line is behind those that are switched on. A switch, an access point or a printer
//! has a default route too, and it goes to the router: only routers are asked. Deliberately absent: a
//! guess where nothing tells.

use super::super::said::{Interface, Said};
use super::super::snmp::{Session, Trouble};
use super::routes;

/// `ppp` of `IANAifType`.
const PPP: u32 = 23;

/// What names of interfaces that lead to the line begin with, in lower case.
const NAMES: [&str; 12] = [
    "wan", "pppoe", "ppp", "lte", "wwan", "cellular", "dsl", "vdsl", "adsl", "pon", "gpon",
    "sfp-wan",
];

/// Marks it, or them, of a router.
pub(super) async fn mark(session: &mut dyn Session, said: &mut Said) -> Result<(), Trouble> {
    if said.interfaces.is_empty() {
        return Ok(());
    }
    let routed = routes::default(session).await?;
    for interface in lines(&mut said.interfaces, &routed) {
        interface.wan = true;
    }
    Ok(())
}

/// Those that the best sign there is tells of.
fn lines<'i>(interfaces: &'i mut [Interface], routed: &[u64]) -> Vec<&'i mut Interface> {
    let is_routed = |interface: &Interface| routed.contains(&interface.index.into());
    let is_ppp = |interface: &Interface| interface.if_type == Some(PPP);
    let is_called = |interface: &Interface| {
        let name = interface.name.to_lowercase();
        NAMES.iter().any(|start| name.starts_with(start))
    };
    let signs: [&dyn Fn(&Interface) -> bool; 3] = [&is_routed, &is_ppp, &is_called];
    for sign in signs {
        // A port that is switched off or unused is no line, whatever it is called.
        for is_line in [is_up, is_enabled] {
            if interfaces.iter().any(|one| sign(one) && is_line(one)) {
                let all = interfaces.iter_mut();
                return all.filter(|one| sign(one) && is_line(one)).collect();
            }
        }
    }
    Vec::new()
}

fn is_up(interface: &Interface) -> bool {
    interface.up == Some(true)
}

fn is_enabled(interface: &Interface) -> bool {
    interface.enabled != Some(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `(name, type, up, enabled)`, with the index from 1 on.
    #[track_caller]
    fn check(interfaces: &[(&str, u32, bool, bool)], routed: &[u64], expected: &[&str]) {
        let interfaces = (1..)
            .zip(interfaces)
            .map(|(index, (name, kind, up, enabled))| Interface {
                index,
                name: (*name).to_owned(),
                if_type: Some(*kind),
                up: Some(*up),
                enabled: Some(*enabled),
                ..Interface::default()
            });
        let mut interfaces: Vec<_> = interfaces.collect();
        let lines = lines(&mut interfaces, routed);
        let names: Vec<_> = lines.iter().map(|line| line.name.as_str()).collect();
        assert_eq!(names, expected);
    }

    #[test]
    fn the_default_route_goes_before_names() {
        let ports = [("wan", 6, true, true), ("lan3", 6, true, true)];
        check(&ports, &[2], &["lan3"]);
        check(&ports, &[7], &["wan"]);
    }

    #[test]
    fn a_line_that_is_down_is_still_the_line() {
        let ports = [
            ("ptm0.101", 6, true, true),
            ("ppp1", 23, false, true),
            ("wan2", 6, true, true),
        ];
        check(&ports, &[], &["ppp1"]);
        check(&[("WAN1", 6, false, true)], &[], &["WAN1"]);
    }

    #[test]
    fn of_several_lines_those_that_are_up_count() {
        let ports = [
            ("WAN1", 6, true, true),
            ("WAN2", 6, true, true),
            ("WAN3", 6, false, false),
        ];
        check(&ports, &[], &["WAN1", "WAN2"]);
    }

    #[test]
    fn nothing_that_tells_is_no_line() {
        let ports = [("ether1", 6, true, true), ("WAN3", 6, false, false)];
        check(&ports, &[], &[]);
    }
}
