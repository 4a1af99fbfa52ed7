//! Text for a terminal: wrapped between words, with colours where they are wanted, and nothing from
//! outside that a terminal would do.

use unicode_width::UnicodeWidthStr as _;

use crate::text::printable;

/// Where the text beside a verdict begins.
const INDENT: usize = 10;
/// On a narrower screen the text stands under its verdict.
const NARROW: usize = 60;

/// What a text is, as a colour says it; never by colour alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ink {
    Plain,
    Critical,
    Warning,
    Unknown,
    Advice,
    Command,
}

impl Ink {
    /// The parameters of "select graphic rendition".
    const fn code(self) -> &'static str {
        match self {
            Self::Plain => "",
            Self::Critical => "1;31",
            Self::Warning => "1;33",
            Self::Unknown => "1;35",
            Self::Advice => "1;36",
            Self::Command => "32",
        }
    }
}

pub(super) struct Screen {
    width: usize,
    colour: bool,
    out: String,
}

impl Screen {
    pub(super) fn new(width: usize, colour: bool) -> Self {
        Self { width, colour, out: String::new() }
    }

    pub(super) fn finish(self) -> String {
        self.out
    }

    const fn indent(&self) -> usize {
        if self.width < NARROW { 2 } else { INDENT }
    }

    fn ink(&mut self, text: &str, ink: Ink) {
        let text = printable(text);
        if self.colour && ink != Ink::Plain {
            let code = ink.code();
            self.out.extend(["\u{1b}[", code, "m", &*text, "\u{1b}[0m"]);
        } else {
            self.out += &text;
        }
    }

    /// An empty line between what stands together.
    pub(super) fn gap(&mut self) {
        if !self.out.is_empty() {
            self.out.push('\n');
        }
    }

    /// A verdict and its sentence.
    pub(super) fn headline(&mut self, verdict: &str, ink: Ink, sentence: &str) {
        self.ink(verdict, ink);
        if self.width < NARROW {
            self.out.push('\n');
            self.text(sentence);
            return;
        }
        let used = printable(verdict).width();
        self.out.extend(std::iter::repeat_n(' ', INDENT.saturating_sub(used).max(1)));
        self.lines(sentence, INDENT, "", true);
    }

    /// A paragraph below a headline.
    pub(super) fn text(&mut self, text: &str) {
        self.lines(text, self.indent(), "", false);
    }

    /// A paragraph with a mark before it, under which its other lines do not go.
    pub(super) fn item(&mut self, text: &str) {
        self.lines(text, self.indent(), "- ", false);
    }

    /// A command, whole: it is copied.
    pub(super) fn command(&mut self, command: &str, deeper: bool) {
        let indent = self.indent() + if deeper { 2 } else { 0 };
        self.out.extend(std::iter::repeat_n(' ', indent));
        self.ink(command, Ink::Command);
        self.out.push('\n');
    }

    /// A line from the first column on.
    pub(super) fn plain(&mut self, text: &str) {
        self.lines(text, 0, "", false);
    }

    /// Lines that are laid out already.
    pub(super) fn laid_out(&mut self, lines: impl Iterator<Item = String>) {
        for line in lines {
            self.out += printable(line.trim_end()).as_ref();
            self.out.push('\n');
        }
    }

    fn lines(&mut self, text: &str, indent: usize, mark: &str, begun: bool) {
        let indent = indent + mark.width();
        let text = printable(text);
        for (at, line) in wrap(&text, self.width.saturating_sub(indent)).iter().enumerate() {
            if at > 0 || !begun {
                let mark = if at == 0 { mark } else { "" };
                self.out.extend(std::iter::repeat_n(' ', indent - mark.width()));
                self.out += mark;
            }
            self.out += line;
            self.out.push('\n');
        }
    }
}

/// Lines of at most `width`, broken between words. A word, and what stands between backticks, stays
/// whole and may be wider.
fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = vec![String::new()];
    for word in words(text) {
        let Some(line) = lines.last_mut() else { continue };
        if line.is_empty() {
            line.push_str(word);
        } else if line.width() + 1 + word.width() <= width {
            line.push(' ');
            line.push_str(word);
        } else {
            lines.push(word.to_owned());
        }
    }
    lines
}

fn words(text: &str) -> Vec<&str> {
    let mut words = Vec::new();
    let (mut start, mut quoted) = (0, false);
    // An odd one quotes nothing.
    let pairs = text.matches('`').count().is_multiple_of(2);
    for (at, c) in text.char_indices() {
        if c == '`' && pairs {
            quoted = !quoted;
        } else if c == ' ' && !quoted {
            words.push(text.get(start..at).unwrap_or_default());
            start = at + 1;
        }
    }
    words.push(text.get(start..).unwrap_or_default());
    words.retain(|word| !word.is_empty());
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_end_between_words() {
        assert_eq!(wrap("one two three", 7), ["one two", "three"]);
        assert_eq!(wrap("a unbreakable-word b", 5), ["a", "unbreakable-word", "b"]);
        assert_eq!(wrap("ask `docker ps -a` now", 9), ["ask", "`docker ps -a`", "now"]);
        assert_eq!(wrap("an odd ` stays two words", 10), ["an odd `", "stays two", "words"]);
        // As wide as they are seen: two columns each, and none for what joins.
        assert_eq!(wrap("日本 日本 日本", 9), ["日本 日本", "日本"]);
        assert_eq!(wrap("e\u{301}e\u{301} xx", 5), ["e\u{301}e\u{301} xx"]);
        assert_eq!(wrap("", 5), [""]);
    }

    #[test]
    fn nothing_from_outside_reaches_the_terminal() {
        for colour in [false, true] {
            let mut screen = Screen::new(80, colour);
            screen.headline("CRITICAL", Ink::Critical, "a\u{1b}[2Jb\u{202e}c\nd");
            screen.command("x\u{7}", false);
            screen.laid_out(["l\u{9b}m".to_owned()].into_iter());
            let text = screen.finish();
            let ours = text.replace("\u{1b}[1;31m", "").replace("\u{1b}[32m", "");
            let ours = ours.replace("\u{1b}[0m", "");
            assert!(!ours.contains(|c| c != '\n' && crate::text::is_unseen(c)), "{ours:?}");
            assert_eq!(text.contains('\u{1b}'), colour);
            assert_eq!(ours.lines().count(), 3, "no line is forged: {ours}");
        }
    }

    #[test]
    fn on_a_narrow_screen_the_text_stands_below() {
        let mut screen = Screen::new(30, false);
        screen.headline("WARNING", Ink::Warning, "Container api (shop) fails its health check");
        screen.item("one two three four five six seven");
        assert_eq!(
            screen.finish(),
            "WARNING\n  Container api (shop) fails\n  its health check\n  - one two three four five\n    six seven\n"
        );
    }
}
