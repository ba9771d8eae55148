//! The page of a backtest in a real browser: it shows its charts, loads nothing and says nothing on
//! the console, whatever SLOs are called.
//!
//! The browser has a proxy that answers nobody and writes down who was asked for. What the page
//! looks like from inside is told by a probe, a script that is put into a copy of the page and
//! allowed by its hash; what it looks like from outside, by pictures.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use base64::Engine as _;
use resvg::tiny_skia::Pixmap;
use serde_json::Value;
use sha2::{Digest, Sha256};
use slofuse::{engine, replay::report};
use tempfile::TempDir;

#[path = "../../src/replay/report/html/tests/specimen.rs"]
mod specimen;

const TWO: &[&str] = &["as defined", "policy fast"];
/// The browser's seconds for a page, ended by `timeout`.
const SECONDS_MAX: &str = "120";
/// Pixels of the window that pictures are taken of: high enough for a whole page of two SLOs.
const WINDOW: (u32, u32) = (1280, 5200);
/// What somebody might call a service.
const HOSTILE: &str = "</script></title></svg>--><img src=http://canary.test/x onerror=\"document.title='broken'\">'&";

/// Tells how the page looks from inside: runs when everything is there, and writes into the page.
const PROBE: &str = r##"
const seen = { errors: [], violations: [] };
addEventListener("error", (event) => seen.errors.push(String(event.message)));
addEventListener("securitypolicyviolation", (event) => seen.violations.push(event.blockedURI));
addEventListener("load", () => {
  const all = (selector) => [...document.querySelectorAll(selector)];
  const box = (element) => {
    const { x, y, width, height } = element.getBoundingClientRect();
    return { x, y, width, height };
  };
  const shown = (selector) => all(selector).filter((e) => e.getClientRects().length > 0).length;
  seen.title = document.title;
  seen.resources = performance.getEntriesByType("resource").map((entry) => entry.name);
  seen.images = all("img, iframe, link, object, embed").length;
  seen.plots = all("svg.plot").map((plot) => ({ kind: plot.dataset.kind, ...box(plot) }));
  seen.curves = all("svg.plot path.curve").map(box);
  seen.alerts = all(".timeline .alert").map(box);
  seen.words = all("svg.plot text").map((text) => text.getBBox().width);
  seen.overflow = document.documentElement.scrollWidth - innerWidth;
  seen.ids = all("[id]").length - new Set(all("[id]").map((element) => element.id)).size;
  seen.rows = { both: shown(".alerts tbody tr") };

  const boxes = all("#controls input[type=checkbox]");
  const press = (name) => boxes.find((b) => b.parentElement.textContent === name).click();
  if (boxes.some((b) => b.parentElement.textContent === "as defined")) {
    const bands = () => all(".band").filter((band) => getComputedStyle(band).display !== "none");
    seen.bands = bands().map((band) => band.dataset.variants).filter((v) => v !== "0").length;
    press("as defined");
    seen.rows.second = shown(".alerts tbody tr");
    seen.bandsOfSecond = bands().length - bands().filter((b) => b.dataset.variants === "1").length;
    press("as defined");
    press("pages");
    seen.rows.quiet = shown(".alerts tbody tr");
    seen.lanesQuiet = shown(".alert.page");
    press("pages");
    seen.rows.again = shown(".alerts tbody tr");

    const find = document.querySelector("#controls input[type=search]");
    find.value = "LATENCY";
    find.dispatchEvent(new Event("input"));
    seen.found = shown("section.slo");
    find.value = "";
    find.dispatchEvent(new Event("input"));

    const table = document.querySelector("#slo-table");
    const firsts = () => [...table.tBodies[0].rows].map((row) => row.cells[4].textContent);
    const sort = [...table.tHead.querySelectorAll("button")].find((b) => b.textContent === "Tickets");
    sort.click();
    seen.rising = firsts();
    sort.click();
    seen.falling = firsts();

    const panels = document.querySelector(".panels");
    const plot = panels.querySelector("svg.plot").getBoundingClientRect();
    // An hour into the trouble that begins in hour 52 of 720.
    const clientX = plot.left + (plot.width * 53.2) / 720;
    panels.dispatchEvent(new PointerEvent("pointermove", { clientX, bubbles: true }));
    seen.readout = panels.querySelector(".readout").textContent;
    panels.dispatchEvent(new KeyboardEvent("keydown", { key: "ArrowRight", bubbles: true }));
    seen.moved = panels.querySelector(".readout").textContent !== seen.readout;
  }
  const told = document.createElement("pre");
  told.id = "probe";
  told.textContent = btoa(unescape(encodeURIComponent(JSON.stringify(seen))));
  document.body.append(told);
});
"##;

/// A proxy that refuses everything and remembers what it was asked.
struct Proxy {
    address: String,
    asked: Arc<Mutex<Vec<String>>>,
    thread: Option<JoinHandle<()>>,
}

/// Asks the proxy to end.
const END: &str = "END";

impl Proxy {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
        let address = listener.local_addr().expect("it is bound").to_string();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let heard = Arc::clone(&asked);
        let thread = std::thread::spawn(move || {
            for stream in listener.incoming() {
                let line = first_line(stream.expect("a connection is accepted"));
                if line == END {
                    return;
                }
                heard.lock().expect("nobody panicked with it").push(line);
            }
        });
        Self {
            address,
            asked,
            thread: Some(thread),
        }
    }

    /// What was asked of the canary's host.
    fn canaries(&self) -> Vec<String> {
        let asked = self.asked.lock().expect("nobody panicked with it");
        let canaries = asked.iter().filter(|line| line.contains("canary.test"));
        canaries.cloned().collect()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        let mut stream = TcpStream::connect(&self.address)
            .expect("files, sockets and the browser's answer are sound");
        stream
            .write_all(END.as_bytes())
            .expect("files, sockets and the browser's answer are sound");
        drop(stream);
        self.thread
            .take()
            .expect("files, sockets and the browser's answer are sound")
            .join()
            .expect("the proxy did not panic");
    }
}

fn first_line(mut stream: TcpStream) -> String {
    let limit = std::time::Duration::from_secs(5);
    stream
        .set_read_timeout(Some(limit))
        .expect("files, sockets and the browser's answer are sound");
    let mut bytes = [0; 1024];
    // A connection on which nothing is said was opened in advance.
    let read = stream.read(&mut bytes).unwrap_or(0);
    let text = String::from_utf8_lossy(&bytes[..read]).into_owned();
    let refusal = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
    // It may have gone.
    stream.write_all(refusal).ok();
    text.lines().next().unwrap_or_default().to_owned()
}

/// A browser with nothing but a folder and a proxy.
struct Browser {
    folder: TempDir,
    proxy: Proxy,
}

impl Browser {
    fn new() -> Self {
        Self {
            folder: TempDir::new().expect("a folder can be made"),
            proxy: Proxy::start(),
        }
    }

    /// Puts the page where the browser finds it.
    fn page(&self, name: &str, page: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        std::fs::write(&path, page).expect("files, sockets and the browser's answer are sound");
        path
    }

    fn run(&self, page: &Path, arguments: &[&str]) -> Output {
        let profile = TempDir::new_in(self.folder.path())
            .expect("files, sockets and the browser's answer are sound");
        let mut command = Command::new("timeout");
        command
            .args([
                "-k",
                "5",
                SECONDS_MAX,
                "chromium",
                "--headless",
                "--no-sandbox",
            ])
            .args([
                "--disable-gpu",
                "--no-first-run",
                "--disable-background-networking",
            ])
            .args([
                "--disable-component-update",
                "--disable-sync",
                "--hide-scrollbars",
            ])
            .args([
                "--disable-default-apps",
                "--disable-dev-shm-usage",
                "--lang=en-US",
            ])
            .args(["--force-device-scale-factor=1", "--enable-logging=stderr"])
            .arg(format!("--window-size={},{}", WINDOW.0, WINDOW.1))
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .arg(format!("--proxy-server=http://{}", self.proxy.address))
            .arg("--proxy-bypass-list=<-loopback>")
            .args(arguments)
            .arg(format!("file://{}", page.display()))
            .current_dir(self.folder.path())
            .stdin(Stdio::null());
        let output = command.output().expect("timeout can be started");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(
            output.status.success(),
            "the browser failed; is there a chromium? ./test.sh installs it\n{said}"
        );
        output
    }

    /// The page's DOM, and what the console said.
    fn dom(&self, page: &Path, arguments: &[&str]) -> (String, Vec<String>) {
        let output = self.run(page, &[arguments, &["--dump-dom"]].concat());
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        let console = said.lines().filter(|line| line.contains("CONSOLE"));
        let console = console.map(str::to_owned).collect();
        (
            String::from_utf8(output.stdout)
                .expect("files, sockets and the browser's answer are sound"),
            console,
        )
    }

    /// What the probe sees in a copy of the page.
    fn probe(&self, page: &str, arguments: &[&str]) -> Value {
        let copy = page.replace("<style>", &format!("<script>{PROBE}</script><style>"));
        let allowed = format!("script-src '{}' ", hash(PROBE));
        let copy = copy.replace("script-src ", &allowed);
        let (dom, console) = self.dom(&self.page("probed.html", &copy), arguments);
        assert_eq!(console, [] as [&str; 0]);
        let (_, told) = dom
            .split_once("<pre id=\"probe\">")
            .expect("files, sockets and the browser's answer are sound");
        let told = told
            .split_once("</pre>")
            .expect("files, sockets and the browser's answer are sound")
            .0;
        let told = base64::engine::general_purpose::STANDARD
            .decode(told)
            .expect("files, sockets and the browser's answer are sound");
        serde_json::from_slice(&told).expect("files, sockets and the browser's answer are sound")
    }

    fn picture(&self, page: &Path, arguments: &[&str]) -> Pixmap {
        let path = self.folder.path().join("picture.png");
        let screenshot = format!("--screenshot={}", path.display());
        self.run(page, &[arguments, &[screenshot.as_str()]].concat());
        Pixmap::decode_png(
            &std::fs::read(&path).expect("files, sockets and the browser's answer are sound"),
        )
        .expect("files, sockets and the browser's answer are sound")
    }
}

fn hash(content: &str) -> String {
    let digest = Sha256::digest(content.as_bytes());
    let digest = base64::engine::general_purpose::STANDARD.encode(digest);
    format!("sha256-{digest}")
}

fn list<'a>(value: &'a Value, key: &str) -> &'a Vec<Value> {
    value[key]
        .as_array()
        .unwrap_or_else(|| panic!("no {key} in {value}"))
}

fn number(value: &Value, key: &str) -> f64 {
    value[key]
        .as_f64()
        .unwrap_or_else(|| panic!("no {key} in {value}"))
}

/// Colours and how many pixels have them, within a box of the picture.
fn colours(picture: &Pixmap, area: &Value) -> std::collections::BTreeMap<(u8, u8, u8), usize> {
    let side = |key| number(area, key).round() as u32;
    let (left, top) = (side("x"), side("y"));
    let mut colours = std::collections::BTreeMap::new();
    for y in top..top + side("height") {
        for x in left..left + side("width") {
            let pixel = picture.pixel(x, y).expect("the plot is in the picture");
            *colours
                .entry((pixel.red(), pixel.green(), pixel.blue()))
                .or_default() += 1;
        }
    }
    colours
}

/// What a person would call a chart: the commonest colour leaves room for others.
fn is_drawn(picture: &Pixmap, area: &Value) -> bool {
    let colours = colours(picture, area);
    let all: usize = colours.values().sum();
    let commonest = colours.values().max().copied().unwrap_or(0);
    colours.len() >= 12 && commonest * 100 < all * 98
}

#[test]
fn charts_are_shown_and_nothing_is_loaded() {
    let browser = Browser::new();
    let page = report::html::write(&specimen::report(6, TWO)).unwrap();
    let seen = browser.probe(&page, &[]);
    for nothing in ["errors", "violations", "resources"] {
        assert_eq!(list(&seen, nothing).len(), 0, "{nothing}: {seen}");
    }
    assert_eq!(seen["images"], 0);
    assert_eq!(seen["ids"], 0, "every id is there once");
    assert!(
        number(&seen, "overflow") <= 0.0,
        "the page is broader than its window"
    );
    assert_eq!(list(&seen, "plots").len(), 18);
    for plot in list(&seen, "plots") {
        assert!(
            number(plot, "width") > 700.0 && number(plot, "height") > 30.0,
            "{plot}"
        );
    }
    assert!(list(&seen, "curves").len() >= 24);
    for curve in list(&seen, "curves") {
        assert!(
            number(curve, "width") > 700.0 && number(curve, "height") > 1.0,
            "{curve}"
        );
    }
    assert!(list(&seen, "alerts").len() > 20);
    for alert in list(&seen, "alerts") {
        assert!(
            number(alert, "width") > 0.5 && number(alert, "height") > 5.0,
            "{alert}"
        );
    }
    assert!(
        list(&seen, "words")
            .iter()
            .all(|width| width.as_f64() > Some(2.0))
    );
}

#[test]
fn variants_and_severities_are_chosen_tables_sorted_and_values_read() {
    let browser = Browser::new();
    let page = report::html::write(&specimen::report(6, TWO)).unwrap();
    let seen = browser.probe(&page, &[]);
    let rows = &seen["rows"];
    assert!(number(rows, "second") < number(rows, "both"), "{rows}");
    assert!(number(rows, "quiet") < number(rows, "both"), "{rows}");
    assert_eq!(rows["again"], rows["both"]);
    assert_eq!(seen["lanesQuiet"], 0);
    assert_eq!(
        (&seen["bands"], &seen["bandsOfSecond"]),
        (&0.into(), &0.into())
    );
    assert_eq!(seen["found"], 1);
    let rising: Vec<u64> = list(&seen, "rising")
        .iter()
        .map(|cell| cell.as_str().unwrap().parse().unwrap())
        .collect();
    let mut falling: Vec<u64> = list(&seen, "falling")
        .iter()
        .map(|cell| cell.as_str().unwrap().parse().unwrap())
        .collect();
    assert!(
        rising.is_sorted() && rising.first() < rising.last(),
        "{rising:?}"
    );
    falling.reverse();
    assert_eq!(falling, rising);
    let readout = seen["readout"].as_str().unwrap();
    assert!(
        readout.contains("Thu, 22 Oct") || readout.contains("Thu 22 Oct"),
        "{readout}"
    );
    for part in [
        "Europe/Berlin",
        "budget left",
        "burn over 5m",
        "burn over 1h",
        "up: page",
    ] {
        assert!(readout.contains(part), "{part}: {readout}");
    }
    assert_eq!(seen["moved"], true);
}

#[test]
fn hostile_names_do_nothing_and_the_traps_would_tell() {
    let browser = Browser::new();
    let mut hostile = specimen::report(2, TWO);
    for slo in &mut hostile.slos {
        slo.id = HOSTILE.to_owned();
        slo.description = HOSTILE.to_owned();
        slo.owner = Some(HOSTILE.to_owned());
    }
    for variant in &mut hostile.variants {
        variant.name = HOSTILE.to_owned();
    }
    hostile.night.zone = HOSTILE.to_owned();
    hostile.history.source = HOSTILE.to_owned();
    let page = report::html::write(&hostile).unwrap();
    let seen = browser.probe(&page, &[]);
    assert_eq!(seen["title"], "slofuse backtest");
    assert_eq!(
        (&seen["images"], list(&seen, "violations").len()),
        (&0.into(), 0)
    );
    assert_eq!(list(&seen, "errors").len(), 0);
    assert_eq!(browser.proxy.canaries(), [] as [&str; 0]);

    // The same name in a page that does not escape it is stopped by the policy ...
    let trap = page.replace("<main", &format!("{HOSTILE}<main"));
    let (_, console) = browser.dom(&browser.page("trap.html", &trap), &[]);
    assert!(
        console
            .iter()
            .any(|line| line.contains("Content Security Policy")),
        "{console:?}"
    );
    assert_eq!(browser.proxy.canaries(), [] as [&str; 0]);
    // ... and without the policy it would have been seen.
    let open = trap.replace("Content-Security-Policy", "X-Nothing");
    browser.dom(&browser.page("open.html", &open), &[]);
    assert!(!browser.proxy.canaries().is_empty());
}

#[test]
fn pictures_are_not_blank_in_light_dark_and_without_scripts() {
    let browser = Browser::new();
    let page = report::html::write(&specimen::report(2, TWO)).unwrap();
    let path = browser.page("page.html", &page);
    let (_, console) = browser.dom(&path, &[]);
    assert_eq!(console, [] as [&str; 0]);
    let seen = browser.probe(&page, &[]);
    let first = &list(&seen, "plots")[..3];
    let light = browser.picture(&path, &[]);
    let dark = browser.picture(&path, &["--blink-settings=preferredColorScheme=0"]);
    for plot in first {
        assert!(is_drawn(&light, plot), "{plot}");
        assert!(is_drawn(&dark, plot), "{plot}");
    }
    let corner = |picture: &Pixmap| {
        let pixel = picture.pixel(2, 2).unwrap();
        u32::from(pixel.red()) + u32::from(pixel.green()) + u32::from(pixel.blue())
    };
    assert!(corner(&light) > 700 && corner(&dark) < 120);
    // The line of the budget in the first variant's blue, the page's band behind it.
    let blue = colours(&light, &first[0]).get(&(0x1b, 0x4f, 0x9c)).copied();
    assert!(blue > Some(500), "{blue:?}");

    // Without its script the page has no controls, so everything stands a little higher.
    let plain = browser.picture(&path, &["--blink-settings=scriptEnabled=false"]);
    let drawn = (0..200).any(|up| {
        let mut moved = first[1].clone();
        moved["y"] = (number(&moved, "y") - f64::from(up)).into();
        is_drawn(&plain, &moved)
    });
    assert!(drawn);
}

#[test]
fn it_fits_narrow_windows_and_paper() {
    let browser = Browser::new();
    let page = report::html::write(&specimen::report(2, TWO)).unwrap();
    let narrow = browser.probe(&page, &["--window-size=500,4000"]);
    assert!(number(&narrow, "overflow") <= 0.0, "{narrow}");
    for plot in list(&narrow, "plots") {
        assert!(number(plot, "width") > 300.0, "{plot}");
    }
    let pdf = browser.folder.path().join("page.pdf");
    let print = format!("--print-to-pdf={}", pdf.display());
    browser.run(&browser.page("page.html", &page), &[&print]);
    let pdf = std::fs::read(&pdf).unwrap();
    assert!(
        pdf.starts_with(b"%PDF-") && pdf.len() > 50_000,
        "{} bytes",
        pdf.len()
    );
}
