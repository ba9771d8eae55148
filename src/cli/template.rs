//! `slofuse template`: what messages say, before anybody is woken by them.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand, ValueEnum};
use serde_json::{Map, Value, json};

use super::client::ClientArgs;
use super::{Failure, Outcome, complain, runtime, say};
use crate::config;
use crate::engine::Notification;
use crate::message::{Slot, Templates, Writer, sample};

/// Longest file that is read, in bytes.
const FILE_BYTES_MAX: u64 = 1 << 20;

/// Arguments of `template`.
#[derive(Debug, Args)]
#[command(after_help = "\
Exit codes: 0 it worked, 1 a file could not be read, 2 the settings or the template have mistakes,
64 wrong usage.

Examples:
  slofuse template show title               the built-in title, to start from
  slofuse template check title.j2           try a template on every sample
  slofuse template render --config slofuse.yaml --receiver on-call --sample storm
  slofuse template render --config slofuse.yaml --live shop/checkout/page")]
pub(super) struct TemplateArgs {
    #[command(subcommand)]
    command: TemplateCommand,
}

#[derive(Debug, Subcommand)]
enum TemplateCommand {
    /// Print the built-in words as templates; of the body, an example
    Show(ShowArgs),
    /// Try a template on every sample
    Check(CheckArgs),
    /// Print what the receivers of a settings file would be told
    Render(Box<RenderArgs>),
}

#[derive(Debug, Args)]
struct ShowArgs {
    /// Only this text
    #[arg(value_enum)]
    slot: Option<SlotArg>,
}

#[derive(Debug, Args)]
struct CheckArgs {
    /// The template
    file: PathBuf,
    /// Which text it is for [default: as the file is called, such as title.j2]
    #[arg(long, value_enum)]
    slot: Option<SlotArg>,
}

#[derive(Debug, Args)]
struct RenderArgs {
    #[command(flatten)]
    client: ClientArgs,
    /// With the templates of this receiver [default: those that all share]
    #[arg(long, value_name = "NAME")]
    receiver: Option<String>,
    /// Only this text
    #[arg(long, value_enum)]
    slot: Option<SlotArg>,
    /// What is told
    #[arg(long, value_name = "NAME", default_value = "page",
          value_parser = clap::builder::PossibleValuesParser::new(sample::NAMES))]
    sample: String,
    /// A notification of one's own, as JSON, in place of a sample
    #[arg(long, value_name = "FILE", conflicts_with = "sample")]
    notification: Option<PathBuf>,
    /// What a running daemon told last of an open alert, by its key as in `slofuse alerts`
    #[arg(long, value_name = "KEY", conflicts_with_all = ["sample", "notification"])]
    live: Option<String>,
    /// Every sample
    #[arg(long, conflicts_with_all = ["sample", "notification", "live"])]
    all: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum SlotArg {
    Title,
    Why,
    Notes,
    Body,
    Subject,
}

impl From<SlotArg> for Slot {
    fn from(arg: SlotArg) -> Self {
        match arg {
            SlotArg::Title => Self::Title,
            SlotArg::Why => Self::Why,
            SlotArg::Notes => Self::Notes,
            SlotArg::Body => Self::Body,
            SlotArg::Subject => Self::Subject,
        }
    }
}

/// Shows, checks or renders templates.
pub(super) fn template(args: &TemplateArgs) -> Outcome {
    match &args.command {
        TemplateCommand::Show(args) => {
            show(args);
            Ok(())
        }
        TemplateCommand::Check(args) => check(args),
        TemplateCommand::Render(args) => render(args),
    }
}

fn show(args: &ShowArgs) {
    if let Some(slot) = args.slot {
        say(Slot::from(slot).usual().trim_end());
        return;
    }
    for slot in Slot::ALL {
        say(&format!("{{# ---- {} ---- #}}", slot.as_str()));
        say(slot.usual());
    }
}

fn check(args: &CheckArgs) -> Outcome {
    let name = args.file.file_stem().and_then(|stem| stem.to_str());
    let by_name = Slot::ALL
        .into_iter()
        .find(|slot| Some(slot.as_str()) == name);
    let Some(slot) = args.slot.map(Slot::from).or(by_name) else {
        complain("say with --slot which text the template is for");
        return Err(Failure::Usage);
    };
    let source = read(&args.file)?;
    let file = args.file.display();
    if let Err(error) = Templates::default().set(slot, &source) {
        let line = error
            .line
            .map_or_else(String::new, |line| format!(":{line}"));
        complain(&format!("{file}{line}: {error}"));
        return Err(Failure::Problems);
    }
    say(&format!("{file}: a {} for every sample", slot.as_str()));
    Ok(())
}

fn render(args: &RenderArgs) -> Outcome {
    let writer = writer(args)?;
    let slots: Vec<Slot> = match args.slot {
        Some(slot) => vec![slot.into()],
        None => Slot::ALL.to_vec(),
    };
    let told = notifications(args)?;
    if args.client.is_json() {
        let texts = |(name, notification): &(String, Notification)| {
            let texts = slots.iter().map(|slot| {
                let text = text(&writer, *slot, notification);
                (
                    slot.as_str().to_owned(),
                    text.map_or(Value::Null, Value::from),
                )
            });
            json!({ "sample": name, "texts": texts.collect::<Map<_, _>>() })
        };
        let all: Vec<Value> = told.iter().map(texts).collect();
        say(&format!("{:#}", Value::Array(all)));
        return Ok(());
    }
    for (name, notification) in &told {
        if told.len() > 1 {
            say(&format!("--- {name}"));
        }
        for slot in &slots {
            let text = text(&writer, *slot, notification);
            match (&text, slots.len()) {
                (Some(text), 1) => say(text),
                (Some(text), _) => say(&format!("{}: {text}", slot.as_str())),
                (None, 1) => complain(&format!("there is no template for the {}", slot.as_str())),
                (None, _) => {}
            }
        }
    }
    Ok(())
}

fn writer(args: &RenderArgs) -> Result<Writer, Failure> {
    let Some(file) = &args.client.config else {
        complain("say with --config which settings have the templates");
        return Err(Failure::Usage);
    };
    let loaded = config::load(file, &|name| std::env::var(name).ok());
    let settings = match loaded {
        Ok(loaded) => loaded.settings,
        Err(mistakes) => {
            complain(&format!("the configuration has mistakes\n{mistakes}"));
            return Err(Failure::Problems);
        }
    };
    let external = settings.server.external_url.as_deref();
    let external = external.and_then(|url| url.parse().ok());
    let writer = Writer::new(external).with(&settings.templates);
    let Some(name) = &args.receiver else {
        return Ok(writer);
    };
    let Some(receiver) = settings.receivers.iter().find(|r| r.name == *name) else {
        complain(&format!("the settings have no receiver {name}"));
        return Err(Failure::Usage);
    };
    Ok(writer.with(&receiver.templates))
}

/// What is told, by name.
fn notifications(args: &RenderArgs) -> Result<Vec<(String, Notification)>, Failure> {
    if let Some(file) = &args.notification {
        let notification = serde_json::from_str(&read(file)?).map_err(|error| {
            let file = file.display();
            complain(&format!("{file}: this is no notification: {error}"));
            Failure::Problems
        })?;
        return Ok(vec![(file.display().to_string(), notification)]);
    }
    if let Some(key) = &args.live {
        return live(&args.client, key).map(|notification| vec![(key.clone(), notification)]);
    }
    let wanted = |name: &str| args.all || name == args.sample;
    let samples = sample::all().filter(|(name, _)| wanted(name));
    Ok(samples.map(|(name, n)| (name.to_owned(), n)).collect())
}

/// What a running daemon told last of an alert.
fn live(client: &ClientArgs, key: &str) -> Result<Notification, Failure> {
    let answer = runtime()?.block_on(async {
        let path = ["alerts", key, "notification"];
        client.client()?.get(&path, &[]).await
    })?;
    serde_json::from_value(answer).map_err(|error| {
        complain(&format!("the daemon's answer is no notification: {error}"));
        Failure::Failed
    })
}

/// What a text would be; `None` where nothing is said, or where only a template says something.
fn text(writer: &Writer, slot: Slot, notification: &Notification) -> Option<String> {
    let message = writer.message(notification);
    match slot {
        Slot::Title => Some(message.title),
        Slot::Why => Some(message.why),
        Slot::Notes => message.notes,
        Slot::Subject => Some(writer.subject(notification)),
        Slot::Body => match writer.body(notification)? {
            Ok(body) => Some(body),
            Err(error) => {
                complain(&format!("the template of the body fails: {error}"));
                None
            }
        },
    }
}

fn read(file: &Path) -> Result<String, Failure> {
    let read = || {
        let length = std::fs::metadata(file)?.len();
        if length > FILE_BYTES_MAX {
            let text = format!("it has {length} bytes, and {FILE_BYTES_MAX} are read at most");
            return Err(std::io::Error::other(text));
        }
        std::fs::read_to_string(file)
    };
    read().map_err(|error| {
        complain(&format!("reading {}: {error}", file.display()));
        Failure::Failed
    })
}
