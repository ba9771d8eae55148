//! Which faults are on. `SLOFUSE_SIM_OFF=crash,clock` leaves some out, to find out which of them a
//! failure needs; `SLOFUSE_SIM_OFF=all` leaves traffic alone.

/// A kind of fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Fault {
    /// Targets that are not scraped.
    Outage,
    /// Counters that begin anew.
    Reset,
    /// Targets that are replaced by others.
    Churn,
    /// A source that is down, slow, or tells only a part.
    Source,
    /// Receivers that refuse, hang, or lose their answers.
    Receiver,
    /// A disk that refuses.
    Store,
    /// `kill -9`.
    Crash,
    /// A clock that jumps.
    Clock,
    /// Other definitions and routes.
    Reload,
    /// Silences and acknowledgements.
    Operate,
}

const NAMES: [(&str, Fault); 10] = [
    ("outage", Fault::Outage),
    ("reset", Fault::Reset),
    ("churn", Fault::Churn),
    ("source", Fault::Source),
    ("receiver", Fault::Receiver),
    ("store", Fault::Store),
    ("crash", Fault::Crash),
    ("clock", Fault::Clock),
    ("reload", Fault::Reload),
    ("operate", Fault::Operate),
];

/// The faults that are left out.
#[derive(Clone, Debug, Default)]
pub(crate) struct Switches(Vec<Fault>);

impl Switches {
    /// From the environment.
    pub(crate) fn from_env() -> Self {
        let off = std::env::var("SLOFUSE_SIM_OFF").unwrap_or_default();
        Self::without(&off)
    }

    /// Without those named in a list with commas.
    pub(crate) fn without(list: &str) -> Self {
        let names = list
            .split(',')
            .map(str::trim)
            .filter(|name| !name.is_empty());
        let mut off = Vec::new();
        for name in names {
            match NAMES.iter().find(|(known, _)| *known == name) {
                Some((_, fault)) => off.push(*fault),
                None if name == "all" => off.extend(NAMES.map(|(_, fault)| fault)),
                None => panic!("SLOFUSE_SIM_OFF: there is no fault {name:?}, but {NAMES:?}"),
            }
        }
        Self(off)
    }

    /// Whether these faults happen.
    pub(crate) fn on(&self, fault: Fault) -> bool {
        !self.0.contains(&fault)
    }
}
