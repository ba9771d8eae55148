//! Line charts as SVG, over logarithmic axes; the same bytes on every machine.

use std::fmt::Write as _;

/// A line and its name.
pub(crate) struct Line {
    pub(crate) name: String,
    /// Points by rising x; the line is broken where there is none.
    pub(crate) points: Vec<(f64, Option<f64>)>,
}

/// A mark on an axis: where, and what it says.
pub(crate) type Mark = (f64, &'static str);

/// What a chart shows.
pub(crate) struct Chart {
    pub(crate) title: String,
    pub(crate) x_title: String,
    pub(crate) y_title: String,
    pub(crate) x_marks: Vec<Mark>,
    pub(crate) y_marks: Vec<Mark>,
    pub(crate) lines: Vec<Line>,
}

const WIDTH: f64 = 860.0;
const HEIGHT: f64 = 480.0;
const LEFT: f64 = 64.0;
const RIGHT: f64 = 200.0;
const TOP: f64 = 44.0;
const BOTTOM: f64 = 56.0;
/// Told apart by people who see colours differently (Okabe and Ito, 2008), and by their dashes.
const COLOURS: [&str; 7] = [
    "#d55e00", "#e69f00", "#777777", "#009e73", "#56b4e9", "#0072b2", "#000000",
];
const DASHES: [&str; 7] = ["", "7 3", "2 3", "", "7 3", "", "2 2"];

impl Chart {
    /// As a document of its own.
    pub(crate) fn svg(&self) -> String {
        let mut out = String::new();
        // Writing to a text cannot fail.
        let _infallible = self.write(&mut out);
        out
    }

    fn write(&self, out: &mut String) -> std::fmt::Result {
        writeln!(
            out,
            r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="Helvetica, Arial, sans-serif" font-size="12" fill="#222222">"##
        )?;
        writeln!(out, "<title>{}</title>", escaped(&self.title))?;
        writeln!(
            out,
            r##"<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>"##
        )?;
        writeln!(
            out,
            r#"<text x="{LEFT}" y="24" font-size="15" font-weight="bold">{}</text>"#,
            escaped(&self.title)
        )?;
        let (right, bottom) = (WIDTH - RIGHT, HEIGHT - BOTTOM);
        for (value, name) in &self.x_marks {
            let x = self.x(*value);
            writeln!(
                out,
                r##"<path d="M{x:.1} {TOP}V{bottom}" stroke="#e4e4e4"/><text x="{x:.1}" y="{:.1}" text-anchor="middle">{}</text>"##,
                bottom + 18.0,
                escaped(name)
            )?;
        }
        for (value, name) in &self.y_marks {
            let y = self.y(*value);
            writeln!(
                out,
                r##"<path d="M{LEFT} {y:.1}H{right}" stroke="#e4e4e4"/><text x="{:.1}" y="{:.1}" text-anchor="end">{}</text>"##,
                LEFT - 8.0,
                y + 4.0,
                escaped(name)
            )?;
        }
        writeln!(
            out,
            r#"<text x="{:.1}" y="{:.1}" text-anchor="middle">{}</text>"#,
            f64::midpoint(LEFT, right),
            HEIGHT - 14.0,
            escaped(&self.x_title)
        )?;
        writeln!(
            out,
            r#"<text x="16" y="{:.1}" text-anchor="middle" transform="rotate(-90 16 {0:.1})">{}</text>"#,
            f64::midpoint(TOP, bottom),
            escaped(&self.y_title)
        )?;
        for (at, line) in self.lines.iter().enumerate() {
            self.write_line(out, at, line)?;
        }
        writeln!(out, "</svg>")
    }

    fn write_line(&self, out: &mut String, at: usize, line: &Line) -> std::fmt::Result {
        let (colour, dashes) = (COLOURS[at % COLOURS.len()], DASHES[at % DASHES.len()]);
        let mut path = String::new();
        let mut pen = 'M';
        for (x, y) in &line.points {
            match y {
                Some(y) => {
                    write!(path, "{pen}{:.1} {:.1}", self.x(*x), self.y(*y))?;
                    pen = 'L';
                }
                None => pen = 'M',
            }
        }
        writeln!(
            out,
            r#"<path d="{path}" fill="none" stroke="{colour}" stroke-width="2" stroke-dasharray="{dashes}"/>"#
        )?;
        for (x, y) in &line.points {
            if let Some(y) = y {
                let (x, y) = (self.x(*x), self.y(*y));
                writeln!(
                    out,
                    r#"<circle cx="{x:.1}" cy="{y:.1}" r="2.5" fill="{colour}"/>"#
                )?;
            }
        }
        let (x, y) = (WIDTH - RIGHT + 16.0, TOP + 8.0 + 22.0 * at as f64);
        writeln!(
            out,
            r#"<path d="M{x:.1} {y:.1}h26" stroke="{colour}" stroke-width="2" stroke-dasharray="{dashes}"/><text x="{:.1}" y="{:.1}">{}</text>"#,
            x + 34.0,
            y + 4.0,
            escaped(&line.name)
        )
    }

    fn x(&self, value: f64) -> f64 {
        LEFT + place(value, &self.x_marks) * (WIDTH - RIGHT - LEFT)
    }

    fn y(&self, value: f64) -> f64 {
        HEIGHT - BOTTOM - place(value, &self.y_marks) * (HEIGHT - BOTTOM - TOP)
    }
}

/// Where a value lies between the first mark and the last, on a logarithmic scale.
fn place(value: f64, marks: &[Mark]) -> f64 {
    let first = marks.first().map_or(1.0, |mark| mark.0).ln();
    let last = marks.last().map_or(10.0, |mark| mark.0).ln();
    ((value.ln() - first) / (last - first)).clamp(0.0, 1.0)
}

fn escaped(text: &str) -> String {
    let text = text.replace('&', "&amp;");
    text.replace('<', "&lt;").replace('>', "&gt;")
}
