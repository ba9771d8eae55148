//! Pictures: what is drawn where, and that nothing that is known of a burn can break them.

use proptest::prelude::*;

use super::*;
use crate::engine::{Curve, Span, Timestamp};
use crate::message::{Writer, sample};

const KEY: [u8; 32] = [7; 32];

fn drawn() -> Notification {
    let mut notification = sample::burning();
    notification.facts.curve = Some(sample::curve());
    notification
}

fn small() -> Curve {
    Curve {
        until: sample::NOW,
        step: Span::from_mins(5),
        burn: vec![Some(0.0), None, Some(10.0), Some(20.0)],
        consumed: vec![None, None, Some(0.1), Some(0.2)],
    }
}

fn colour(pixels: &Pixmap, x: u32, y: u32) -> (u8, u8, u8) {
    let pixel = pixels.pixel(x, y).unwrap().demultiply();
    (pixel.red(), pixel.green(), pixel.blue())
}

#[test]
fn a_picture_is_a_png_of_its_size() {
    let png = render(&drawn()).unwrap();
    if let Ok(path) = std::env::var("PICTURE") {
        std::fs::write(path, &png).unwrap();
    }
    let pixels = Pixmap::decode_png(&png).unwrap();
    assert_eq!((pixels.width(), pixels.height()), (WIDTH, HEIGHT));
    assert_eq!(colour(&pixels, 1, 1), (255, 255, 255));
    // The burn is low and then high; below it is its area, the limit crosses all.
    assert_eq!(colour(&pixels, 300, 60), (255, 255, 255));
    let (red, green, _) = colour(&pixels, 560, 90);
    assert!(red > 240 && (200..240).contains(&green), "the area");
    let row = |y| (0..WIDTH).filter(move |x| (*x..=*x).any(|_| y < HEIGHT));
    let is = |y: u32, wanted: (u8, u8, u8)| row(y).any(|x| colour(&pixels, x, y) == wanted);
    assert!((30..106).any(|y| is(y, (0xd7, 0x26, 0x3d))), "the burn");
    assert!((30..106).any(|y| is(y, (0xb8, 0x79, 0x00))), "the limit");
    assert!((130..192).any(|y| is(y, (0x2f, 0x6f, 0xcf))), "the budget");
    assert!(png.len() < 10_000, "{}", png.len());
}

#[test]
fn a_picture_is_described() {
    insta::assert_snapshot!(description(&drawn()).unwrap(), @"burn over 5m: 32x, peak 32x; limit 14.4x; budget left: 60.57%, was 65.66%; 6h until 03:10 UTC");
    let mut notification = drawn();
    notification.facts.tiers.clear();
    notification.facts.curve = Some(Curve {
        consumed: vec![None; 4],
        ..small()
    });
    insta::assert_snapshot!(description(&notification).unwrap(), @"burn over 5m: 20x, peak 20x; 15m until 03:10 UTC");
}

#[test]
fn a_drawing_is_the_same_every_time() {
    let svg = drawing::svg(&small(), Some(14.4)).unwrap();
    let lines = svg.lines().filter(|line| !line.contains("1.4"));
    let lines: Vec<&str> = lines.collect();
    insta::assert_snapshot!(lines.join("\n"), @r##"
    <svg xmlns="http://www.w3.org/2000/svg" width="600" height="200">
    <rect width="600" height="200" fill="#ffffff"/>
    <path d="M12 104L588 104" stroke="#d1d5db" stroke-width="1"/>
    <path d="M12.0 104L12.0 104.0L12.0 104ZM396.0 104L396.0 72.2L588.0 40.4L588.0 104Z" fill="#d7263d" fill-opacity="0.15"/>
    <path d="M12 58.2L588 58.2" stroke="#b87900" stroke-width="1.5" stroke-dasharray="6 4"/>
    <path d="M12.0 104.0L13.0 104.0M396.0 72.2L588.0 40.4" fill="none" stroke="#d7263d" stroke-width="2" stroke-linejoin="round" stroke-linecap="round"/>
    <path d="M12 190L588 190" stroke="#d1d5db" stroke-width="1"/>
    <path d="M396.0 190L396.0 140.5L588.0 185.5L588.0 190Z" fill="#2f6fcf" fill-opacity="0.15"/>
    <path d="M396.0 140.5L588.0 185.5" fill="none" stroke="#2f6fcf" stroke-width="2" stroke-linejoin="round" stroke-linecap="round"/>
    </svg>
    "##);
    assert_eq!(drawing::svg(&small(), Some(14.4)).unwrap(), svg);
}

#[test]
fn without_numbers_there_is_no_picture() {
    assert_eq!(render(&sample::burning()), None);
    let mut notification = drawn();
    for burn in [vec![], vec![None; 73], vec![Some(f32::NAN)]] {
        notification.facts.curve = Some(Curve { burn, ..small() });
        assert_eq!(render(&notification), None);
        assert_eq!(description(&notification), None);
        let external = Url::parse("https://slofuse.example").unwrap();
        assert_eq!(url(&external, &KEY, &notification), None);
    }
}

#[test]
fn only_the_holder_of_the_key_can_name_a_picture() {
    let notification = drawn();
    let token = token(&KEY, &notification);
    assert_eq!(
        open_token(&KEY, &token),
        Some(notification.idempotency_key())
    );
    assert_eq!(open_token(&[8; 32], &token), None);
    let (name, code) = token.split_once('.').unwrap();
    let short = URL_SAFE_NO_PAD.encode(&URL_SAFE_NO_PAD.decode(code).unwrap()[..4]);
    let other = URL_SAFE_NO_PAD.encode("slofuse/other#1.1@on-call");
    for wrong in [
        String::new(),
        ".".to_owned(),
        name.to_owned(),
        format!("{name}."),
        format!("{name}.{short}"),
        format!("{other}.{code}"),
        format!("{token}x"),
        format!("{token}.png"),
        "a".repeat(1 << 20),
    ] {
        assert_eq!(open_token(&KEY, &wrong), None, "{wrong:.80}");
    }
}

#[test]
fn a_picture_has_a_url_only_where_people_reach_this_daemon_by_https() {
    let writer = |external: &str| Writer::new(Url::parse(external).ok());
    let notification = drawn();
    let with_key = writer("https://slofuse.example/prefix/").with_picture_key(KEY);
    let url = with_key.picture_url(&notification).unwrap();
    let rest = url.strip_prefix("https://slofuse.example/prefix/api/v1/pictures/");
    let token = rest.unwrap().strip_suffix(".png").unwrap();
    assert!(
        token
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
    );
    assert_eq!(
        open_token(&KEY, token),
        Some(notification.idempotency_key())
    );
    assert_eq!(
        writer("https://slofuse.example").picture_url(&notification),
        None
    );
    let plain = writer("http://slofuse.example").with_picture_key(KEY);
    assert_eq!(plain.picture_url(&notification), None);
    assert_eq!(
        Writer::default()
            .with_picture_key(KEY)
            .picture_url(&notification),
        None
    );
    assert!(plain.picture(&notification).is_some());
    assert!(!format!("{plain:?}").contains('7'));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn no_curve_breaks_a_picture(
        burn in proptest::collection::vec(proptest::option::of(any::<f32>()), 0..400),
        consumed in proptest::collection::vec(proptest::option::of(any::<f32>()), 0..400),
        limit in any::<f64>(),
        until in any::<i64>(),
        step in any::<i64>(),
    ) {
        let mut notification = drawn();
        notification.facts.tiers[0].factor = limit;
        notification.facts.curve = Some(Curve {
            until: Timestamp::from_millis(until),
            step: Span::from_millis(step),
            burn,
            consumed,
        });
        let words = description(&notification);
        let png = render(&notification);
        prop_assert_eq!(png.is_some(), words.is_some());
        if let Some(png) = png {
            prop_assert!(png.len() <= PNG_BYTES_MAX);
        }
    }
}
