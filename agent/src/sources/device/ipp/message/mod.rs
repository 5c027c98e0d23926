//! One question of IPP and its answer, as bytes (RFC 8010): which attributes a printer has.
//!
//! Strict about framing, so that a body that was cut short is no answer; lenient about values, so that one
//! odd value costs itself alone. What was not asked for is not kept, and collections are passed over:
//! nothing that is asked for is one. Of an answer nothing refers to anything outside it, and nothing in it
//! can make reading it take longer than its bytes.

/// Every attribute that is asked for: RFC 8011, PWG 5100.9 (alerts), 5100.13 (supplies, trays), and the
/// `marker-` attributes of CUPS, which most printers have.
pub(crate) const WANTED: &[&str] = &[
    "marker-colors",
    "marker-levels",
    "marker-names",
    "marker-types",
    "printer-alert",
    "printer-alert-description",
    "printer-device-id",
    "printer-firmware-string-version",
    "printer-impressions-completed",
    "printer-info",
    "printer-input-tray",
    "printer-is-accepting-jobs",
    "printer-make-and-model",
    "printer-name",
    "printer-pages-completed",
    "printer-serial-number",
    "printer-state",
    "printer-state-message",
    "printer-state-reasons",
    "printer-supply",
    "printer-supply-description",
    "printer-up-time",
    "queued-job-count",
];

/// Of one attribute, values that are kept.
pub(crate) const VALUES: usize = 64;

/// Of a text, characters that are kept; RFC 8011 allows 1,023 octets.
pub(crate) const CHARACTERS: usize = 1_023;

/// `Get-Printer-Attributes`.
const OPERATION: u16 = 0x000b;

const OPERATION_GROUP: u8 = 0x01;
const END: u8 = 0x03;
const PRINTER_GROUP: u8 = 0x04;
const INTEGER: u8 = 0x21;
const BOOLEAN: u8 = 0x22;
const ENUM: u8 = 0x23;
const COLLECTION: u8 = 0x34;
const TEXT_WITH_LANGUAGE: u8 = 0x35;
const NAME_WITH_LANGUAGE: u8 = 0x36;
const END_OF_COLLECTION: u8 = 0x37;
const KEYWORD: u8 = 0x44;
const URI: u8 = 0x45;
const CHARSET: u8 = 0x47;
const LANGUAGE: u8 = 0x48;
/// The first of the texts: `textWithoutLanguage`, `nameWithoutLanguage`, `keyword` and their like.
const FIRST_TEXT: u8 = 0x41;
const LAST_TEXT: u8 = 0x49;

/// Major and minor version.
pub(crate) type Version = [u8; 2];

/// Which attributes are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scope {
    /// [`WANTED`].
    Wanted,
    /// All, for printers that refuse to be asked for what they do not know.
    All,
}

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reply {
    /// RFC 8011, appendix B: below 0x0100 is success.
    pub(crate) status: u16,
    /// What the printer said of itself.
    pub(crate) attributes: Attributes,
}

/// By name, values of those that are [`WANTED`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Attributes(Vec<(&'static str, Vec<Value>)>);

/// One value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Value {
    /// Also an enum.
    Integer(i32),
    Boolean(bool),
    /// Of whatever kind of text, without what commands a terminal.
    Text(String),
    /// Unknown, none, unreadable, or of a kind that nothing here is asked for; holds a place in lists that go together.
    None,
}

/// Why bytes are no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Malformed {
    #[error("it is not of IPP")]
    Foreign,
    #[error("it is cut short")]
    Short,
}

/// The question for the printer at this URI.
pub(crate) fn question(version: Version, uri: &str, scope: Scope) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(1_024);
    bytes.extend(version);
    bytes.extend(OPERATION.to_be_bytes());
    bytes.extend(1_u32.to_be_bytes());
    bytes.push(OPERATION_GROUP);
    // RFC 8011, section 4.1.4 and 4.1.5: these three, in this order.
    append(&mut bytes, CHARSET, "attributes-charset", "utf-8");
    append(&mut bytes, LANGUAGE, "attributes-natural-language", "en");
    append(&mut bytes, URI, "printer-uri", uri);
    if scope == Scope::Wanted {
        for (index, wanted) in WANTED.iter().enumerate() {
            let name = if index == 0 {
                "requested-attributes"
            } else {
                ""
            };
            append(&mut bytes, KEYWORD, name, wanted);
        }
    }
    bytes.push(END);
    bytes
}

/// Adds an attribute, or with an empty name one more value of the one before.
pub(crate) fn append(bytes: &mut Vec<u8>, tag: u8, name: &str, value: impl AsRef<[u8]>) {
    bytes.push(tag);
    for field in [name.as_bytes(), value.as_ref()] {
        let length = u16::try_from(field.len()).unwrap_or(u16::MAX);
        bytes.extend(length.to_be_bytes());
        bytes.extend(field.iter().take(usize::from(length)));
    }
}

/// Reads an answer.
pub(crate) fn answer(bytes: &[u8]) -> Result<Reply, Malformed> {
    let mut rest = bytes;
    let [major, _] = take::<2>(&mut rest)?;
    if !matches!(major, 1 | 2) {
        return Err(Malformed::Foreign);
    }
    let status = u16::from_be_bytes(take(&mut rest)?);
    let _request: [u8; 4] = take(&mut rest)?;
    let mut reading = Reading::default();
    loop {
        match take::<1>(&mut rest)? {
            [END] => break,
            [group @ ..0x10] => reading.begin(group),
            [tag] => {
                let name = field(&mut rest)?;
                let value = field(&mut rest)?;
                reading.take(tag, name, value);
            }
        }
    }
    Ok(Reply {
        status,
        attributes: reading.attributes,
    })
}

/// What was read of an answer.
#[derive(Default)]
struct Reading {
    attributes: Attributes,
    in_printer_group: bool,
    /// Whether values without a name go to the attribute that was read last.
    is_wanted: bool,
    /// Of the collection whose members come.
    depth: usize,
}

impl Reading {
    fn begin(&mut self, group: u8) {
        *self = Self {
            attributes: std::mem::take(&mut self.attributes),
            in_printer_group: group == PRINTER_GROUP,
            is_wanted: false,
            depth: 0,
        };
    }

    fn take(&mut self, tag: u8, name: &[u8], value: &[u8]) {
        if !name.is_empty() {
            // Members have no name of this kind: whatever collection this is in, it was not ended.
            self.depth = 0;
            self.name(name);
        }
        match tag {
            COLLECTION => self.depth += 1,
            END_OF_COLLECTION => self.depth = self.depth.saturating_sub(1),
            _ if self.depth == 0 && self.is_wanted => {
                if let Some((_, values)) = self.attributes.0.last_mut()
                    && values.len() < VALUES
                {
                    values.push(read(tag, value));
                }
            }
            _ => (),
        }
    }

    fn name(&mut self, name: &[u8]) {
        let wanted = WANTED.iter().find(|wanted| wanted.as_bytes() == name);
        let is_new = |wanted: &&&str| self.attributes.of(wanted).is_empty();
        let wanted = wanted.filter(|wanted| self.in_printer_group && is_new(wanted));
        self.is_wanted = wanted.is_some();
        self.attributes
            .0
            .extend(wanted.map(|name| (*name, Vec::new())));
    }
}

impl Attributes {
    /// All values; none where the printer does not have it.
    pub(crate) fn of(&self, name: &str) -> &[Value] {
        let found = self.0.iter().find(|(known, _)| *known == name);
        found.map_or(&[], |(_, values)| values)
    }

    /// The first value, where it is a number.
    pub(crate) fn number(&self, name: &str) -> Option<i32> {
        self.of(name).first()?.number()
    }

    /// The first value, where it is a text that says something.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.of(name).first()?.text()
    }
}

impl Value {
    pub(crate) fn number(&self) -> Option<i32> {
        match self {
            Self::Integer(number) => Some(*number),
            _ => None,
        }
    }

    /// Without space around it, unless nothing is left then.
    pub(crate) fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text.trim()).filter(|text| !text.is_empty()),
            _ => None,
        }
    }
}

fn read(tag: u8, value: &[u8]) -> Value {
    match tag {
        INTEGER | ENUM => {
            let number = value.try_into().map(i32::from_be_bytes);
            number.map_or(Value::None, Value::Integer)
        }
        BOOLEAN => match value {
            [is] => Value::Boolean(*is != 0),
            _ => Value::None,
        },
        TEXT_WITH_LANGUAGE | NAME_WITH_LANGUAGE => {
            let mut rest = value;
            let text = field(&mut rest).and_then(|_language| field(&mut rest));
            text.map_or(Value::None, |text| Value::Text(clean(text)))
        }
        // Many devices describe their subunits in an octetString, as 5100.13 wants it.
        0x30 | FIRST_TEXT..=LAST_TEXT => Value::Text(clean(value)),
        _ => Value::None,
    }
}

fn clean(text: &[u8]) -> String {
    let text = String::from_utf8_lossy(text);
    let kept = text.chars().take(CHARACTERS);
    kept.map(|c| if c.is_control() { ' ' } else { c }).collect()
}

fn field<'a>(rest: &mut &'a [u8]) -> Result<&'a [u8], Malformed> {
    let length = u16::from_be_bytes(take(rest)?);
    let (field, left) = rest
        .split_at_checked(usize::from(length))
        .ok_or(Malformed::Short)?;
    *rest = left;
    Ok(field)
}

fn take<const N: usize>(rest: &mut &[u8]) -> Result<[u8; N], Malformed> {
    let (taken, left) = rest.split_first_chunk().ok_or(Malformed::Short)?;
    *rest = left;
    Ok(*taken)
}

#[cfg(test)]
mod tests;
