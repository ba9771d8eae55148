//! The rules that files are checked by: each has a name, a meaning and a level.
//!
//! Names are part of the interface: `slofuse check --deny dead-tier` and the reports of other tools
//! refer to them.

use serde::{Serialize, Serializer};

use super::diagnostic::Level;

/// A rule that a file may break.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Lint {
    /// The file does not follow its format, or says something that cannot be.
    Invalid,
    /// The file asks for something that slofuse does not do.
    Unsupported,
    /// Two definitions share an identity.
    Duplicate,
    /// A reference leads nowhere.
    UnknownReference,
    /// A key that the format's own tool ignores, and so does slofuse.
    IgnoredKey,
    /// Something means a little less, more or other than it does in the tool it was written for.
    ChangedMeaning,
    /// A tier that can never fire.
    DeadTier,
    /// A tier that fires although the budget would last.
    SlowTier,
    /// One or few failures fire a tier.
    FewEvents,
    /// The SLO promises less than its SLA.
    WeakerThanSla,
    /// The day of review has passed.
    ReviewDue,
    /// Nobody owns the SLO.
    NoOwner,
    /// Nothing says what to do when it burns.
    NoRunbook,
    /// Queries group by labels that they do not name.
    UnstatedGrouping,
    /// A bucket bound that only one major version of Prometheus stores as written.
    BucketBound,
    /// A period or window that is probably not meant, such as one minute for one month.
    SuspectDuration,
    /// An objective that is probably not meant, such as a ratio where percent are read.
    SuspectObjective,
    /// A policy that no SLO uses.
    UnusedPolicy,
    /// There is nothing to evaluate.
    NoDefinition,
    /// Certificates are not checked.
    InsecureTls,
    /// A secret travels where others can read it.
    PlaintextSecret,
    /// Anybody who reaches the server may do everything.
    OpenServer,
    /// A route that can never match.
    UnreachableRoute,
    /// Pages of a group are one incident.
    GroupedPages,
    /// Some alerts reach nobody.
    LostAlerts,
    /// Nothing refers to a part of the settings.
    UnusedSetting,
    /// The source has no series for a selector.
    NoSeries,
    /// The source has no bucket with the threshold as its bound.
    NoBucket,
    /// The source's series lack a label that the definition groups by.
    MissingLabel,
    /// The source keeps less history than the period asks for.
    ShortRetention,
    /// Series that appear with their first error.
    LazySeries,
    /// More series than the exact path should read.
    ManySeries,
}

impl Lint {
    /// All rules.
    pub const ALL: [Self; 32] = [
        Self::Invalid,
        Self::Unsupported,
        Self::Duplicate,
        Self::UnknownReference,
        Self::IgnoredKey,
        Self::ChangedMeaning,
        Self::DeadTier,
        Self::SlowTier,
        Self::FewEvents,
        Self::WeakerThanSla,
        Self::ReviewDue,
        Self::NoOwner,
        Self::NoRunbook,
        Self::UnstatedGrouping,
        Self::BucketBound,
        Self::SuspectDuration,
        Self::SuspectObjective,
        Self::UnusedPolicy,
        Self::NoDefinition,
        Self::InsecureTls,
        Self::PlaintextSecret,
        Self::OpenServer,
        Self::UnreachableRoute,
        Self::GroupedPages,
        Self::LostAlerts,
        Self::UnusedSetting,
        Self::NoSeries,
        Self::NoBucket,
        Self::MissingLabel,
        Self::ShortRetention,
        Self::LazySeries,
        Self::ManySeries,
    ];

    /// The name in options and reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Invalid => "invalid",
            Self::Unsupported => "unsupported",
            Self::Duplicate => "duplicate",
            Self::UnknownReference => "unknown-reference",
            Self::IgnoredKey => "ignored-key",
            Self::ChangedMeaning => "changed-meaning",
            Self::DeadTier => "dead-tier",
            Self::SlowTier => "slow-tier",
            Self::FewEvents => "few-events",
            Self::WeakerThanSla => "weaker-than-sla",
            Self::ReviewDue => "review-due",
            Self::NoOwner => "no-owner",
            Self::NoRunbook => "no-runbook",
            Self::UnstatedGrouping => "unstated-grouping",
            Self::BucketBound => "bucket-bound",
            Self::SuspectDuration => "suspect-duration",
            Self::SuspectObjective => "suspect-objective",
            Self::UnusedPolicy => "unused-policy",
            Self::NoDefinition => "no-definition",
            Self::InsecureTls => "insecure-tls",
            Self::PlaintextSecret => "plaintext-secret",
            Self::OpenServer => "open-server",
            Self::UnreachableRoute => "unreachable-route",
            Self::GroupedPages => "grouped-pages",
            Self::LostAlerts => "lost-alerts",
            Self::UnusedSetting => "unused-setting",
            Self::NoSeries => "no-series",
            Self::NoBucket => "no-bucket",
            Self::MissingLabel => "missing-label",
            Self::ShortRetention => "short-retention",
            Self::LazySeries => "lazy-series",
            Self::ManySeries => "many-series",
        }
    }

    /// What breaking it means, in one sentence without a full stop.
    pub const fn summary(self) -> &'static str {
        match self {
            Self::Invalid => "the file does not follow its format",
            Self::Unsupported => "the file asks for something that slofuse does not do",
            Self::Duplicate => "two definitions share an identity",
            Self::UnknownReference => "a reference leads nowhere",
            Self::IgnoredKey => "the key has no effect, here or in the tool it was written for",
            Self::ChangedMeaning => "it means something else than in the tool it was written for",
            Self::DeadTier => "the tier can never fire",
            Self::SlowTier => "the tier fires at a burn that never uses up the budget",
            Self::FewEvents => "one or few failures fire a tier",
            Self::WeakerThanSla => "the SLO promises less than its SLA",
            Self::ReviewDue => "the day of review has passed",
            Self::NoOwner => "nobody owns the SLO",
            Self::NoRunbook => "nothing says what to do when it burns",
            Self::UnstatedGrouping => "the queries group by labels that they do not name",
            Self::BucketBound => "only some versions of Prometheus store the bound as written",
            Self::SuspectDuration => "the length of time is probably not meant",
            Self::SuspectObjective => "the objective is probably not meant",
            Self::UnusedPolicy => "no SLO uses the policy",
            Self::NoDefinition => "there is nothing to evaluate",
            Self::InsecureTls => "certificates are not checked",
            Self::PlaintextSecret => "a secret travels where others can read it",
            Self::OpenServer => "anybody who reaches the server may do everything",
            Self::UnreachableRoute => "the route can never match",
            Self::GroupedPages => "the pages of a group are one incident, which wakes only once",
            Self::LostAlerts => "some alerts reach nobody",
            Self::UnusedSetting => "nothing refers to this part of the settings",
            Self::NoSeries => "the source has no series for a selector",
            Self::NoBucket => "the source has no bucket with this bound",
            Self::MissingLabel => "the series lack a label that the definition names",
            Self::ShortRetention => "the source keeps less history than the period",
            Self::LazySeries => "series appear with their first error",
            Self::ManySeries => "there are more series than should be read one by one",
        }
    }

    /// The rule of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|rule| rule.name() == name)
    }

    /// Whether nothing can be loaded that breaks it, so that its level is not a matter of taste.
    pub const fn is_fixed(self) -> bool {
        matches!(
            self,
            Self::Invalid | Self::Unsupported | Self::Duplicate | Self::UnknownReference
        )
    }

    /// How grave it is unless somebody says otherwise.
    pub const fn level(self) -> Level {
        match self {
            Self::Invalid
            | Self::Unsupported
            | Self::Duplicate
            | Self::UnknownReference
            | Self::NoSeries
            | Self::NoBucket => Level::Error,
            Self::ChangedMeaning | Self::LazySeries | Self::UnusedPolicy => Level::Note,
            Self::IgnoredKey
            | Self::DeadTier
            | Self::SlowTier
            | Self::FewEvents
            | Self::WeakerThanSla
            | Self::ReviewDue
            | Self::NoOwner
            | Self::NoRunbook
            | Self::UnstatedGrouping
            | Self::BucketBound
            | Self::SuspectDuration
            | Self::SuspectObjective
            | Self::NoDefinition
            | Self::InsecureTls
            | Self::PlaintextSecret
            | Self::OpenServer
            | Self::UnreachableRoute
            | Self::GroupedPages
            | Self::LostAlerts
            | Self::UnusedSetting
            | Self::MissingLabel
            | Self::ShortRetention
            | Self::ManySeries => Level::Warning,
        }
    }
}

impl Serialize for Lint {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_has_a_name_of_its_own() {
        let mut names = Lint::ALL.map(Lint::name).to_vec();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), Lint::ALL.len());
    }

    #[test]
    fn names_find_their_rule_and_fixed_rules_are_errors() {
        for rule in Lint::ALL {
            assert_eq!(Lint::named(rule.name()), Some(rule));
            assert!(!rule.is_fixed() || rule.level() == Level::Error);
        }
        assert_eq!(Lint::named("Dead-Tier"), None);
    }
}
