//! Letters as lines: pictures need numbers, and a font would be a file from outside.

/// Units from one letter to the next; a letter is four wide and six high.
const ADVANCE: f64 = 6.0;

/// The path data of a text in capitals whose upper left corner is at (`x`, `y`). What has no
/// shape leaves a gap.
pub(super) fn path(text: &str, x: f64, y: f64, scale: f64) -> String {
    let mut path = String::new();
    for (at, letter) in text.chars().enumerate() {
        let left = x + at as f64 * ADVANCE * scale;
        for stroke in shape(letter.to_ascii_uppercase()).split_whitespace() {
            let points = stroke.as_bytes().chunks_exact(2);
            for (number, point) in points.enumerate() {
                let [right, down] = [point[0], point[1]].map(|digit| f64::from(digit - b'0'));
                let command = if number == 0 { 'M' } else { 'L' };
                let (x, y) = (left + right * scale, y + down * scale);
                path += &format!("{command}{x:.1} {y:.1}");
            }
        }
    }
    path
}

/// How wide a text is.
pub(super) fn width(text: &str, scale: f64) -> f64 {
    text.chars().count() as f64 * ADVANCE * scale
}

/// Strokes between spaces; each point is two digits, how far right and how far down.
const fn shape(letter: char) -> &'static str {
    match letter {
        '0' | 'O' => "103041453616050110",
        '1' => "112026 1636",
        '2' => "01103041420646",
        '3' => "004022324345361605",
        '4' => "36300444",
        '5' => "400002324345361605",
        '6' => "4130100105163645443303",
        '7' => "004016",
        '8' => "13020110304142331304051636454433",
        '9' => "0516364541301001021343",
        'A' => "0602204246 0444",
        'B' => "003041423303 334445360600",
        'C' => "4130100105163645",
        'D' => "00204244260600",
        'E' => "40000646 0333",
        'F' => "400006 0333",
        'G' => "41301001051636454323",
        'H' => "0006 4046 0343",
        'I' => "1030 2026 1636",
        'J' => "4045361605",
        'K' => "0006 400346",
        'L' => "000646",
        'M' => "0600224046",
        'N' => "06004640",
        'P' => "06003041423303",
        'Q' => "103041453616050110 3446",
        'R' => "06003041423303 2346",
        'S' => "413010010213334445361605",
        'T' => "0040 2026",
        'U' => "000516364540",
        'V' => "002640",
        'W' => "0016243640",
        'X' => "0046 4006",
        'Y' => "002340 2326",
        'Z' => "00400646",
        '.' => "2526",
        ',' => "2517",
        ':' => "2122 2526",
        '-' => "0343",
        '%' => "4006 0010110100 3545463635",
        _ => "",
    }
}
