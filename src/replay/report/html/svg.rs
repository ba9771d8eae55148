//! The parts every drawing is made of: escaped text, lengths, and the frame with its axes.
//!
//! A drawing has no breadth of its own. Its outer element is as broad as the page lets it be, in
//! CSS pixels, so that letters keep their size; places along it are percentages. Curves stand in
//! an inner element that is stretched over it. Nothing carries a style attribute, which the page's
//! `Content-Security-Policy` would refuse: looks are classes.

use std::fmt::Write as _;

use super::dates::Mark;
use super::path::ROWS;
use super::scale::{TimeScale, ValueScale};
use crate::engine::Severity;
use crate::message::text::clip;

/// Longest text in a drawing, in characters.
const TEXT_CHARS_MAX: usize = 120;

/// A piece of SVG. Everything that is not a number of ours goes in through [`escaped`].
#[derive(Debug, Default)]
pub(super) struct Svg(String);

/// What a drawing shows, for those who do not see it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Caption<'a> {
    /// Unique in the page; letters, digits and `-`.
    pub id: &'a str,
    /// What it is.
    pub title: &'a str,
    /// What can be seen in it.
    pub description: &'a str,
}

impl Svg {
    /// A drawing as high as `height` pixels. `data` are further attributes, for the script.
    pub(super) fn drawing(class: &str, caption: Caption<'_>, height: u32, data: &str) -> Self {
        let Caption { id, .. } = caption;
        let (title, description) = (clean(caption.title), clean_long(caption.description));
        Self(format!(
            "<svg class=\"{class}\" width=\"100%\" height=\"{height}\" role=\"img\" \
             aria-labelledby=\"{id}-t {id}-d\"{data}><title id=\"{id}-t\">{title}</title>\
             <desc id=\"{id}-d\">{description}</desc>"
        ))
    }

    /// The finished drawing.
    pub(super) fn finish(mut self) -> String {
        self.0 += "</svg>";
        self.0
    }

    /// Adds what is SVG already.
    pub(super) fn raw(&mut self, svg: &str) {
        self.0 += svg;
    }

    /// Adds formatted SVG.
    pub(super) fn put(&mut self, svg: std::fmt::Arguments<'_>) {
        // Writing to a string cannot fail.
        let _always_ok = self.0.write_fmt(svg);
    }

    /// The inner element that stretches over a plot, with what stands in it.
    pub(super) fn stretched(&mut self, columns: u16, height: u32, content: &str) {
        self.put(format_args!(
            "<svg class=\"grid\" viewBox=\"0 0 {columns} {ROWS}\" preserveAspectRatio=\"none\" \
             width=\"100%\" height=\"{height}\">{content}</svg>"
        ));
    }

    /// Lines across and their values, left of the plot.
    pub(super) fn values(&mut self, scale: ValueScale, height: u32, text: impl Fn(f64) -> String) {
        for mark in scale.marks() {
            let y = y(scale, mark, height);
            let text = escaped(&text(mark));
            self.put(format_args!(
                "<line class=\"rule\" x2=\"100%\" y1=\"{y}\" y2=\"{y}\"/>\
                 <text class=\"value\" x=\"-8\" y=\"{y}\" dy=\".32em\">{text}</text>"
            ));
        }
    }

    /// Lines up and their dates, below the plot. Of three dates two give way when space is short.
    pub(super) fn dates(&mut self, time: TimeScale, marks: &[Mark], height: u32, named: bool) {
        for (index, mark) in marks.iter().enumerate() {
            let x = percent(time.percent(mark.at));
            self.put(format_args!(
                "<line class=\"rule\" x1=\"{x}\" x2=\"{x}\" y2=\"{height}\"/>"
            ));
            if named {
                let class = match index % 4 {
                    0 => "date",
                    2 => "date roomy",
                    _ => "date roomier",
                };
                let (below, text) = (height + 16, escaped(&mark.text));
                self.put(format_args!(
                    "<text class=\"{class}\" x=\"{x}\" y=\"{below}\">{text}</text>"
                ));
            }
        }
    }
}

/// Where a value lies in a plot, in pixels from its top.
pub(super) fn y(scale: ValueScale, value: f64, height: u32) -> String {
    let share = scale.share(value).unwrap_or(0.0);
    trimmed((1.0 - share) * f64::from(height), 1)
}

/// `12.34%`
pub(super) fn percent(value: f64) -> String {
    format!("{}%", trimmed(value, 3))
}

/// The class of a severity.
pub(super) fn class(severity: Severity) -> &'static str {
    severity.as_str()
}

/// Without zeros at the end.
fn trimmed(value: f64, decimals: usize) -> String {
    let text = format!("{value:.decimals$}");
    match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text,
    }
}

/// Text for an element or a quoted attribute: nothing in it can end either. Characters that XML
/// does not know are replaced, and so are those that turn the direction of what follows.
pub(super) fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe += "&amp;",
            '<' => safe += "&lt;",
            '>' => safe += "&gt;",
            '"' => safe += "&quot;",
            '\'' => safe += "&#39;",
            '\t' | '\n' | '\r' => safe.push(' '),
            c if is_hidden(c) => safe.push('\u{fffd}'),
            c => safe.push(c),
        }
    }
    safe
}

/// At most `max` characters; what is cut leaves an ellipsis. Nothing hidden stays.
pub(super) fn shown(text: &str, max: usize) -> String {
    let visible = |c: char| match c {
        '\t' | '\n' | '\r' => ' ',
        c if is_hidden(c) => '\u{fffd}',
        c => c,
    };
    clip(text.chars().map(visible), max)
}

/// Controls, bidirectional overrides and isolates, and what is no character.
fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
        || matches!(c, '\u{fffe}' | '\u{ffff}' | '\u{feff}')
}

fn clean(text: &str) -> String {
    escaped(&shown(text, TEXT_CHARS_MAX))
}

fn clean_long(text: &str) -> String {
    escaped(&shown(text, 4 * TEXT_CHARS_MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_text_stays_text() {
        assert_eq!(
            escaped("</title><script>alert('1')</script>&\"\u{202e}\u{0}\n"),
            "&lt;/title&gt;&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt;&amp;&quot;\u{fffd}\u{fffd} "
        );
        let caption = Caption {
            id: "a",
            title: "</svg><img src=x onerror=alert(1)>",
            description: "]]><!-- -->",
        };
        let svg = Svg::drawing("plot", caption, 9, "").finish();
        assert_eq!(svg.matches('<').count(), 6, "{svg}");
        assert!(!svg.contains("<img"), "{svg}");
    }

    #[test]
    fn long_text_is_cut_at_a_character() {
        assert_eq!(shown("ünïcödé", 7), "ünïcödé");
        assert_eq!(shown("ünïcödé", 4), "ünï…");
        assert_eq!(shown("a\u{7}b\nc", 9), "a\u{fffd}b c");
    }

    #[test]
    fn lengths_are_short() {
        assert_eq!(percent(12.5), "12.5%");
        assert_eq!(percent(100.0), "100%");
        assert_eq!(percent(33.333_333), "33.333%");
        assert_eq!(percent(0.0), "0%");
        let scale = ValueScale::budget(0.0);
        assert_eq!(y(scale, 0.25, 160), "120");
        assert_eq!(y(scale, f64::NAN, 160), "160");
    }
}
