//! Wireless interfaces and how strongly they receive their access point, from `/proc/net/wireless`.
//!
//! That file is of the kernel's older interface, which most distributions still build in; OpenWrt and
//! kernels with the newest drivers alone do not, and there nothing is told.

use super::super::{Root, Unreadable, Wifi};

/// Wireless interfaces that have an access point. None, or a kernel that does not tell, is no error.
pub fn wireless(root: &Root) -> Result<Vec<Wifi>, Unreadable> {
    match root.read("proc/net/wireless") {
        Ok(table) => Ok(parse(&table)),
        Err(error) if error.is_missing() => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

fn parse(table: &str) -> Vec<Wifi> {
    table.lines().skip(2).filter_map(parse_line).collect()
}

/// `name: status link level noise …`; a number that is new ends in a point.
fn parse_line(line: &str) -> Option<Wifi> {
    let (name, facts) = line.rsplit_once(':')?;
    let mut facts = facts.split_whitespace();
    let (_status, _link, level) = (facts.next()?, facts.next()?, facts.next()?);
    let level: i32 = level.trim_end_matches('.').parse().ok()?;
    Some(Wifi {
        interface: name.trim().to_owned(),
        // A level of 0 to 100 or 255 is a share of nobody knows what.
        signal: (-120..0).contains(&level).then_some(level),
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    const HEADER: &str =
        "Inter-| sta-|   Quality        |   Discarded packets               | Missed | WE
 face | tus | link level noise |  nwid  crypt   frag  retry   misc | beacon | 22
";

    #[test]
    fn the_signal_is_told_where_it_is_in_dbm() {
        let check = |line: &str, expected: Option<(&str, Option<i32>)>| {
            let found = parse(&format!("{HEADER}{line}\n"));
            let facts = found
                .first()
                .map(|one| (one.interface.as_str(), one.signal));
            assert_eq!(facts, expected, "{line}");
        };
        check(
            " wlan0: 0000   54.  -56.  -256        0      0      0      0   1132        0",
            Some(("wlan0", Some(-56))),
        );
        check(
            "wlx00c0ca: 0000   70  -40  -256  0  0  0  0  0  0",
            Some(("wlx00c0ca", Some(-40))),
        );
        check(
            " wlan0: 0000   78.  195.  0.  0  0  0  0  0  0",
            Some(("wlan0", None)),
        );
        check(" wlan0: 0000   54.", None);
        check("", None);
    }

    #[test]
    fn a_machine_without_the_file_has_nothing_to_tell() {
        assert_eq!(wireless(&Root("/nowhere".into())).unwrap(), []);
    }
}
