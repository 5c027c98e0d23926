//! What a person sees while the check goes on: a line for each step as soon as it is done, and on a terminal
//! which one is under way. For programs it stays silent.

use std::io::{IsTerminal as _, Write};

use diagnosis::sentence::Words;
use diagnosis::spot::Verdict;

use super::lacking::Limitation;
use super::step::{Kind, Mark, Step};
use super::words::{self, Language};

/// Longer names push the rest of their line.
const LABEL: usize = 17;

/// Where it is shown.
pub(super) struct Screen {
    out: Box<dyn Write + Send>,
    language: Language,
    is_terminal: bool,
}

impl Screen {
    /// Standard output.
    pub(super) fn new(language: Language) -> Self {
        let out = std::io::stdout();
        Self {
            is_terminal: out.is_terminal(),
            out: Box::new(out),
            language,
        }
    }

    /// Nobody looks.
    pub(super) fn none() -> Self {
        Self {
            out: Box::new(std::io::sink()),
            language: Language::En,
            is_terminal: false,
        }
    }

    /// This is being measured.
    pub(super) fn pending(&mut self, kind: Kind) {
        if self.is_terminal {
            let label = words::label(kind, self.language);
            self.write(&format!("\r\x1b[K… {label}"));
        }
    }

    /// This was measured.
    pub(super) fn tell(&mut self, step: &Step) {
        let mark = match step.mark {
            Mark::Good => '✓',
            Mark::Bad => '✗',
            Mark::Odd => '!',
            Mark::Neither => '–',
        };
        let label = words::label(step.kind, self.language);
        let ending = match &step.limitation {
            Some(limitation) => limitation.said(self.language),
            None => words::ending(step.felt(), &step.figures, self.language),
        };
        let target = match step.kind {
            Kind::Clock | Kind::Collector => "",
            _ => step.target.as_str(),
        };
        let parts = [target, ending.as_str()].map(str::trim);
        let parts: Vec<&str> = parts.into_iter().filter(|part| !part.is_empty()).collect();
        let text = parts.join(": ");
        let line = format!("{mark} {label:LABEL$} {text}");
        self.line(printable(line.trim_end()).as_str());
    }

    /// What was not measured, the verdict, and what to do.
    pub(super) fn conclude(&mut self, limitations: &[Limitation], verdict: &Verdict) {
        let language = self.language;
        let pick = |words: &Words| match language {
            Language::Vi => words.vi.clone(),
            Language::En => words.en.clone(),
        };
        if !limitations.is_empty() {
            self.line("");
            self.line(language.pick("Không đo được:", "Could not be measured:"));
            for limitation in limitations {
                self.line(&printable(&format!("– {}", limitation.said(language))));
            }
        }
        self.line("");
        let sureness = match (verdict.fault, verdict.confidence) {
            (Some(fault), confidence) if confidence < 0.9 && fault != diagnosis::Fault::Unknown => {
                language.pick("Nhiều khả năng: ", "Likely: ")
            }
            (None, confidence) if confidence < 0.9 => {
                language.pick("Theo những gì đo được: ", "As far as measured: ")
            }
            _ => "",
        };
        self.line(&printable(&format!(
            "{sureness}{}",
            pick(&verdict.sentence)
        )));
        self.line(&printable(&format!("→ {}", pick(&verdict.action))));
        if verdict.fault.is_some() && !verdict.because.is_empty() {
            let because: Vec<String> = verdict.because.iter().map(pick).collect();
            let label = language.pick("Căn cứ", "Because");
            self.line(&printable(&format!("{label}: {}.", because.join("; "))));
        }
    }

    fn line(&mut self, text: &str) {
        let clear = if self.is_terminal { "\r\x1b[K" } else { "" };
        self.write(&format!("{clear}{text}\n"));
    }

    /// A reader who has gone away, as `head` does, is no error.
    fn write(&mut self, text: &str) {
        let _ = self.out.write_all(text.as_bytes());
        let _ = self.out.flush();
    }
}

/// What others said may hold what commands a terminal.
fn printable(text: &str) -> String {
    text.replace(char::is_control, "·")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_servers_say_commands_no_terminal() {
        assert_eq!(printable("a\x1b[2Jb\nc ✓ ế"), "a·[2Jb·c ✓ ế");
    }
}
