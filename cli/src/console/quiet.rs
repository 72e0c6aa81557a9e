//! Texts of others on a terminal: what would steer it is shown, not obeyed.

/// Whether a character changes how a terminal shows what follows, or what a reader sees of it: controls of both sets (ECMA-48), and
/// the marks that turn the direction of text (Unicode, UAX 9) or take no room.
fn steers(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}'
        )
}

/// A text as it may stand on a line; what steers is written as `\u001b`.
pub(super) fn plain(text: &str) -> String {
    let mut quiet = String::with_capacity(text.len());
    for character in text.chars() {
        if steers(character) {
            escape(&mut quiet, character);
        } else {
            quiet.push(character);
        }
    }
    quiet
}

/// A text in quotation marks, as JSON has it (RFC 8259).
pub(super) fn quoted(text: &str) -> String {
    let mut quiet = String::with_capacity(text.len() + 2);
    quiet.push('"');
    for character in text.chars() {
        match character {
            '"' | '\\' => quiet.extend(['\\', character]),
            _ if steers(character) => escape(&mut quiet, character),
            _ => quiet.push(character),
        }
    }
    quiet.push('"');
    quiet
}

/// All of these are in the first plane, which one escape names.
fn escape(text: &mut String, character: char) {
    text.push_str(&format!("\\u{:04x}", u32::from(character)));
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOSTILE: &str = "a\u{1b}[31m\u{9b}2J\r\n\u{7}\u{7f}\u{202e}é\"\\";

    #[test]
    fn escape_sequences_are_shown_and_not_obeyed() {
        assert_eq!(
            plain(HOSTILE),
            "a\\u001b[31m\\u009b2J\\u000d\\u000a\\u0007\\u007f\\u202eé\"\\"
        );
    }

    #[test]
    fn a_quoted_text_is_the_same_text_for_who_reads_json() {
        let read: String = serde_json::from_str(&quoted(HOSTILE)).unwrap();
        assert_eq!(read, HOSTILE);
        assert!(!quoted(HOSTILE).chars().any(char::is_control));
    }
}
