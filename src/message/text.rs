//! Text from outside, made safe to show: one line, no hidden characters, bounded.

/// One line of at most `chars_max` characters: line breaks and tabs become spaces, characters that
/// hide or reorder others become U+FFFD, and a cut is marked with an ellipsis.
pub fn line(text: &str, chars_max: usize) -> String {
    let visible = text.trim().chars().map(|c| match c {
        '\n' | '\r' | '\t' | '\u{2028}' | '\u{2029}' => ' ',
        hidden if is_hidden(hidden) => char::REPLACEMENT_CHARACTER,
        shown => shown,
    });
    clip(visible, chars_max)
}

/// At most `chars_max` characters, the last an ellipsis when some were left out.
pub fn clip(chars: impl IntoIterator<Item = char>, chars_max: usize) -> String {
    let mut chars = chars.into_iter();
    let mut kept: String = chars.by_ref().take(chars_max).collect();
    if chars.next().is_some() {
        kept.pop();
        kept.push('…');
    }
    kept
}

/// Controls (terminal escapes among them) and the format characters of "Trojan Source" attacks:
/// bidirectional overrides, invisible joiners and tags. ZWJ and ZWNJ stay, for scripts need them.
fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{ad}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{feff}'
        )
        || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}')
        || matches!(c, '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hidden_characters_become_visible() {
        assert_eq!(line("a\nb\tc", 10), "a b c");
        assert_eq!(line("\u{1b}[31mred\u{7}", 20), "\u{fffd}[31mred\u{fffd}");
        assert_eq!(line("user\u{202e}nimda", 20), "user\u{fffd}nimda");
        assert_eq!(line("zoë 👩‍🚒", 20), "zoë 👩‍🚒");
    }

    #[test]
    fn long_text_is_cut_between_characters() {
        assert_eq!(line("äöüß", 4), "äöüß");
        assert_eq!(line("äöüßa", 4), "äöü…");
    }
}
