//! Who made a device, what kind of device it is, and where it keeps its model, serial number and
//! firmware: one table, by `sysObjectID` and, where many makers share one, by a word of `sysDescr`.
//!
//! A new make is a row. What the MIBs of all makers have (Printer-MIB, ENTITY-MIB, UPS-MIB) is not here.
//! Deliberately absent: products by the last arcs of their `sysObjectID`; devices say their model.

use proto::plan::Kind;

use super::super::snmp::{Oid, oid};

/// A maker, or one of its families.
pub(super) struct Make {
    /// Its `sysObjectID`, or what that begins with.
    tree: Oid,
    /// A word that `sysDescr` must have; empty for any.
    word: &'static str,
    pub(super) vendor: &'static str,
    /// What its devices are, as far as this can be said of all.
    pub(super) kind: Option<Kind>,
    /// Where it says what, the best first.
    pub(super) model: &'static [Place],
    pub(super) serial: &'static [Place],
    pub(super) firmware: &'static [Place],
}

/// Where a text is: between two others, of which an empty one is the beginning or the end.
pub(super) struct Place {
    pub(super) text: Text,
    pub(super) after: &'static str,
    pub(super) until: &'static str,
}

/// What holds a text.
pub(super) enum Text {
    /// `sysDescr`.
    Description,
    At(Oid),
    /// Two instances with a space between.
    Both(Oid, Oid),
}

/// The make with the longest matching tree; of equals, one with a word goes before one without, and the
/// earlier before the later.
pub(super) fn of(object: &Oid, description: &str) -> Option<&'static Make> {
    let fitting = MAKES
        .iter()
        .filter(|make| object.starts_with(&make.tree) && description.contains(make.word));
    // The first of equals is the last in reverse.
    fitting
        .rev()
        .max_by_key(|make| (make.tree.arcs().len(), !make.word.is_empty()))
}

impl Place {
    /// What is asked for to know it.
    pub(super) fn instances(&self) -> impl Iterator<Item = &Oid> {
        let (one, other) = match &self.text {
            Text::Description => (None, None),
            Text::At(one) => (Some(one), None),
            Text::Both(one, other) => (Some(one), Some(other)),
        };
        one.into_iter().chain(other)
    }

    /// What it says, where `text` knows the texts of instances.
    pub(super) fn read(
        &self,
        description: Option<&str>,
        text: impl Fn(&Oid) -> Option<String>,
    ) -> Option<String> {
        let whole = match &self.text {
            Text::Description => description?.to_owned(),
            Text::At(one) => text(one)?,
            Text::Both(one, other) => format!("{} {}", text(one)?, text(other)?),
        };
        let (_, from) = whole.split_once(self.after)?;
        let part = match self.until {
            "" => from,
            until => from.split_once(until).map_or(from, |(part, _)| part),
        };
        let part = part.trim();
        (!part.is_empty()).then(|| part.to_owned())
    }
}

/// All of an instance.
const fn at(oid: Oid) -> Place {
    part(Text::At(oid), "", "")
}

/// A part of `sysDescr`.
const fn described(after: &'static str, until: &'static str) -> Place {
    part(Text::Description, after, until)
}

const fn part(text: Text, after: &'static str, until: &'static str) -> Place {
    Place { text, after, until }
}

/// `"tree" "word" "vendor" Kind, model [places], serial [places], firmware [places];`
macro_rules! makes {
    ($($tree:literal $word:literal $vendor:literal $kind:ident
        $(, model [$($model:expr),+])? $(, serial [$($serial:expr),+])?
        $(, firmware [$($firmware:expr),+])?;)*) => {
        &[$(Make {
            tree: oid!($tree),
            word: $word,
            vendor: $vendor,
            kind: makes!(@ $kind),
            model: &[$($($model),+)?],
            serial: &[$($($serial),+)?],
            firmware: &[$($($firmware),+)?],
        }),*]
    };
    (@ Unsaid) => { None };
    (@ $kind:ident) => { Some(Kind::$kind) };
}

static MAKES: &[Make] = makes! {
    // Printers.
    "1.3.6.1.4.1.11.2.3.9" "" "HP" Printer,
        model [described("PID:", ",")],
        serial [described(",SN:", ","), at(oid!("1.3.6.1.4.1.11.2.3.9.4.2.1.1.3.3.0"))],
        firmware [at(oid!("1.3.6.1.4.1.11.2.3.9.4.2.1.1.3.5.0"))];
    "1.3.6.1.4.1.236.11.5" "" "Samsung" Printer,
        model [at(oid!("1.3.6.1.4.1.236.11.5.1.1.1.1.0"))],
        serial [at(oid!("1.3.6.1.4.1.236.11.5.1.1.1.4.0"))],
        firmware [at(oid!("1.3.6.1.4.1.236.11.5.1.1.1.2.0"))];
    "1.3.6.1.4.1.253" "" "Xerox" Printer,
        serial [at(oid!("1.3.6.1.4.1.253.8.53.3.2.1.3.1"))];
    "1.3.6.1.4.1.258" "" "Panasonic" Unsaid;
    "1.3.6.1.4.1.297" "" "Fujifilm" Printer;
    "1.3.6.1.4.1.367" "" "Ricoh" Printer,
        serial [at(oid!("1.3.6.1.4.1.367.3.2.1.2.1.4.0"))],
        firmware [at(oid!("1.3.6.1.4.1.367.3.2.1.1.1.2.0"))];
    "1.3.6.1.4.1.641" "" "Lexmark" Printer,
        model [at(oid!("1.3.6.1.4.1.641.2.1.2.1.2.1"))],
        serial [at(oid!("1.3.6.1.4.1.641.2.1.2.1.6.1"))],
        firmware [at(oid!("1.3.6.1.4.1.641.2.1.2.1.4.1"))];
    "1.3.6.1.4.1.1129" "" "Toshiba" Printer;
    "1.3.6.1.4.1.1248" "" "Epson" Printer;
    "1.3.6.1.4.1.1347" "" "Kyocera" Printer,
        serial [at(oid!("1.3.6.1.4.1.1347.43.5.1.1.28.1"))],
        firmware [at(oid!("1.3.6.1.4.1.1347.43.5.4.1.5.1.1"))];
    "1.3.6.1.4.1.1602" "" "Canon" Printer,
        firmware [at(oid!("1.3.6.1.4.1.1602.1.1.1.4.0"))];
    "1.3.6.1.4.1.2001" "" "OKI" Printer,
        serial [at(oid!("1.3.6.1.4.1.2001.1.1.1.1.11.1.10.45.0"))];
    "1.3.6.1.4.1.2385" "" "Sharp" Printer,
        firmware [at(oid!("1.3.6.1.4.1.2385.2.1.1.2.1.2.1"))];
    "1.3.6.1.4.1.2435" "" "Brother" Printer,
        serial [at(oid!("1.3.6.1.4.1.2435.2.3.9.4.2.1.5.5.1.0"))],
        firmware [part(Text::At(oid!("1.3.6.1.4.1.2435.2.4.3.1240.6.5.0")), "Ver.", " ")];
    "1.3.6.1.4.1.10642" "" "Zebra" Printer;
    "1.3.6.1.4.1.18334" "" "Konica Minolta" Printer,
        firmware [at(oid!("1.3.6.1.4.1.18334.1.1.1.1.6.1.0"))];
    "1.3.6.1.4.1.40093" "" "Pantum" Printer;

    // Routers, switches and access points.
    "1.3.6.1.4.1.9" "" "Cisco" Router,
        firmware [described("Version ", ",")];
    "1.3.6.1.4.1.9" "Switch" "Cisco" Switch,
        firmware [described("Version ", ",")];
    "1.3.6.1.4.1.9" "Catalyst" "Cisco" Switch,
        firmware [described("Version ", ",")];
    "1.3.6.1.4.1.9" "C29" "Cisco" Switch,
        firmware [described("Version ", ",")];
    "1.3.6.1.4.1.9" "C35" "Cisco" Switch,
        firmware [described("Version ", ",")];
    "1.3.6.1.4.1.9.6.1" "" "Cisco" Switch;
    "1.3.6.1.4.1.11.2.3.7" "" "HP" Switch,
        model [described("", ",")],
        serial [at(oid!("1.3.6.1.4.1.11.2.36.1.1.2.9.0"))],
        firmware [at(oid!("1.3.6.1.4.1.11.2.14.11.5.1.1.3.0"))];
    "1.3.6.1.4.1.171" "" "D-Link" Unsaid,
        model [described("", " ")];
    "1.3.6.1.4.1.171.10" "" "D-Link" Switch,
        model [described("", " ")],
        firmware [at(oid!("1.3.6.1.4.1.171.14.5.1.8.1.3.1"))];
    "1.3.6.1.4.1.674.10895" "" "Dell" Switch;
    "1.3.6.1.4.1.890" "" "Zyxel" Unsaid,
        model [at(oid!("1.3.6.1.4.1.890.1.15.3.1.11.0"))],
        serial [at(oid!("1.3.6.1.4.1.890.1.15.3.1.12.0"))],
        firmware [at(oid!("1.3.6.1.4.1.890.1.15.3.1.6.0"))];
    "1.3.6.1.4.1.2011" "" "Huawei" Router,
        firmware [described("Version ", " Copyright")];
    "1.3.6.1.4.1.2011.2.23" "" "Huawei" Switch,
        firmware [described("Version ", " Copyright")];
    "1.3.6.1.4.1.2636" "" "Juniper" Unsaid,
        model [at(oid!("1.3.6.1.4.1.2636.3.1.2.0"))],
        serial [at(oid!("1.3.6.1.4.1.2636.3.1.3.0"))],
        firmware [described("JUNOS ", " ")];
    "1.3.6.1.4.1.3902" "" "ZTE" Router;
    "1.3.6.1.4.1.4413" "" "Ubiquiti" Switch;
    "1.3.6.1.4.1.4526" "" "Netgear" Switch;
    "1.3.6.1.4.1.4881" "" "Ruijie" Unsaid;
    "1.3.6.1.4.1.7367" "" "DrayTek" Router,
        model [described("Router Model: ", ",")],
        firmware [described("Version: ", ",")];
    "1.3.6.1.4.1.8072" "UAP-" "Ubiquiti" AccessPoint,
        model [described("", " ")],
        firmware [described(" ", " ")];
    "1.3.6.1.4.1.8072" "OpenWrt" "OpenWrt" Router;
    "1.3.6.1.4.1.8072" "Teltonika" "Teltonika" Router,
        model [at(oid!("1.3.6.1.4.1.48690.1.7.0")), at(oid!("1.3.6.1.4.1.48690.1.2.0"))],
        serial [at(oid!("1.3.6.1.4.1.48690.1.1.0")), at(oid!("1.3.6.1.4.1.48690.1.5.0"))],
        firmware [at(oid!("1.3.6.1.4.1.48690.1.6.0")), at(oid!("1.3.6.1.4.1.48690.2.14.0"))];
    "1.3.6.1.4.1.10002" "" "Ubiquiti" AccessPoint;
    "1.3.6.1.4.1.11863" "" "TP-Link" Switch,
        model [at(oid!("1.3.6.1.4.1.11863.6.1.1.5.0"))],
        serial [at(oid!("1.3.6.1.4.1.11863.6.1.1.8.0"))],
        firmware [at(oid!("1.3.6.1.4.1.11863.6.1.1.6.0"))];
    "1.3.6.1.4.1.12356" "" "Fortinet" Unsaid,
        serial [at(oid!("1.3.6.1.4.1.12356.100.1.1.1.0"))];
    "1.3.6.1.4.1.12356.101" "" "Fortinet" Router,
        serial [at(oid!("1.3.6.1.4.1.12356.100.1.1.1.0"))],
        firmware [at(oid!("1.3.6.1.4.1.12356.101.4.1.1.0"))];
    "1.3.6.1.4.1.14823" "" "Aruba" AccessPoint;
    "1.3.6.1.4.1.14988" "" "MikroTik" Router,
        model [described("RouterOS ", "")],
        serial [at(oid!("1.3.6.1.4.1.14988.1.1.7.3.0"))],
        firmware [at(oid!("1.3.6.1.4.1.14988.1.1.4.4.0"))];
    "1.3.6.1.4.1.16972" "" "TP-Link" Router,
        firmware [described("", "")];
    "1.3.6.1.4.1.25053" "" "Ruckus" AccessPoint;
    "1.3.6.1.4.1.25506" "" "H3C" Unsaid;
    "1.3.6.1.4.1.41112" "" "Ubiquiti" AccessPoint,
        model [at(oid!("1.3.6.1.4.1.41112.1.6.3.3.0"))],
        firmware [at(oid!("1.3.6.1.4.1.41112.1.6.3.6.0"))];
    "1.3.6.1.4.1.41112.1.5" "" "Ubiquiti" Router,
        firmware [described(" ", " ")];
    "1.3.6.1.4.1.47196" "" "Aruba" Switch;
    "1.3.6.1.4.1.48690" "" "Teltonika" Router,
        model [at(oid!("1.3.6.1.4.1.48690.1.2.0"))],
        serial [at(oid!("1.3.6.1.4.1.48690.1.1.0"))],
        firmware [at(oid!("1.3.6.1.4.1.48690.1.6.0"))];

    // UPS.
    "1.3.6.1.4.1.318" "" "APC" Ups,
        model [at(oid!("1.3.6.1.4.1.318.1.1.1.1.1.1.0"))],
        serial [at(oid!("1.3.6.1.4.1.318.1.1.1.1.2.3.0"))],
        firmware [at(oid!("1.3.6.1.4.1.318.1.1.1.1.2.1.0"))];
    "1.3.6.1.4.1.476" "" "Vertiv" Ups;
    "1.3.6.1.4.1.534" "" "Eaton" Ups,
        model [at(oid!("1.3.6.1.4.1.534.1.1.2.0"))],
        serial [at(oid!("1.3.6.1.4.1.534.1.1.6.0"))],
        firmware [at(oid!("1.3.6.1.4.1.534.1.1.3.0"))];
    "1.3.6.1.4.1.705" "" "Eaton" Ups,
        model [part(Text::Both(oid!("1.3.6.1.4.1.705.1.1.1.0"), oid!("1.3.6.1.4.1.705.1.1.2.0")), "", "")],
        serial [at(oid!("1.3.6.1.4.1.705.1.1.7.0"))],
        firmware [at(oid!("1.3.6.1.4.1.705.1.1.4.0"))];
    "1.3.6.1.4.1.935" "" "Megatec" Ups;
    "1.3.6.1.4.1.2011.6.174" "" "Huawei" Ups;
    "1.3.6.1.4.1.2254.2" "" "Delta" Ups,
        model [at(oid!("1.3.6.1.4.1.2254.2.4.1.2.0"))],
        firmware [at(oid!("1.3.6.1.4.1.2254.2.4.1.3.0"))];
    "1.3.6.1.4.1.3808" "" "CyberPower" Ups,
        model [at(oid!("1.3.6.1.4.1.3808.1.1.1.1.1.1.0"))],
        serial [at(oid!("1.3.6.1.4.1.3808.1.1.1.1.2.3.0"))],
        firmware [at(oid!("1.3.6.1.4.1.3808.1.1.1.1.2.1.0"))];
    "1.3.6.1.4.1.4555" "" "Socomec" Ups;
    "1.3.6.1.4.1.5491" "" "Riello" Ups;

    // What is neither.
    "1.3.6.1.4.1.311" "" "Microsoft" Other,
        model [described("Hardware: ", " - ")],
        firmware [described("Software: ", "")];
};

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(object: &str, description: &str, expected: Option<(&str, Option<Kind>)>) {
        let object: Result<Oid, _> = object.parse();
        let make = object.ok().and_then(|object| of(&object, description));
        assert_eq!(make.map(|make| (make.vendor, make.kind)), expected);
    }

    #[test]
    fn the_longest_tree_and_then_a_word_tell_the_make() {
        let cisco = |kind| Some(("Cisco", Some(kind)));
        check("1.3.6.1.4.1.9.1.1", "Cisco IOS", cisco(Kind::Router));
        check("1.3.6.1.4.1.9.1.1", "Smart Switch", cisco(Kind::Switch));
        check("1.3.6.1.4.1.9.6.1.83", "", cisco(Kind::Switch));
        let net_snmp = "1.3.6.1.4.1.8072.3.2.10";
        let access_point = Some(("Ubiquiti", Some(Kind::AccessPoint)));
        check(net_snmp, "UAP-nanoHD 5.43", access_point);
        check(net_snmp, "Linux pc 6.1", None);
        // 99 is not below 9.
        check("1.3.6.1.4.1.99.1", "Cisco", None);
        check("0.0", "", None);
    }

    #[test]
    fn a_text_is_taken_from_between_two_others() {
        let place = described("Router Model: ", ",");
        let read = |description| place.read(Some(description), |_| None);
        let model = Some("Vigor2962".to_owned());
        assert_eq!(read("Router Model: Vigor2962, Version: 4.3"), model);
        assert_eq!(read("Router Model: Vigor2962"), model);
        assert_eq!(read("Router Model: , Version: 4.3"), None);
        assert_eq!(read("something else"), None);
    }
}
