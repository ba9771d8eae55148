//! Whether the source keeps samples as long as the SLO looks back.

use crate::config::lint::Lint;
use crate::engine::{Slo, Span, Term};
use crate::prometheus::SourceError;

use super::Case;

impl Case {
    /// By what the source says it keeps.
    pub(super) fn check_retention(&mut self, slo: &Slo) {
        let wanted = looks_back(slo);
        let Some(kept) = self.asking.retention.filter(|kept| *kept < wanted) else {
            return;
        };
        let message = format!("Prometheus keeps {kept}, but the SLO looks back {wanted}");
        let fix =
            format!("raise --storage.tsdb.retention.time to {wanted}, or choose a shorter period");
        self.report(Lint::ShortRetention, message, fix);
    }

    /// Where the source says nothing, by the oldest samples there are.
    pub(super) async fn check_history(
        &mut self,
        slo: &Slo,
        total: &[Term],
    ) -> Result<(), SourceError> {
        let (Some(term), None) = (total.first(), self.asking.retention) else {
            return Ok(());
        };
        let wanted = looks_back(slo);
        let then = self.asking.now - wanted;
        if !self.asking.has_series(&term.selector, then).await? {
            let message = format!(
                "no sample of {} is {wanted} old, as far as the SLO looks back",
                term.selector
            );
            let fix = "keep samples as long as the period; if the series are new, nothing";
            self.report(Lint::ShortRetention, message, fix);
        }
        Ok(())
    }
}

fn looks_back(slo: &Slo) -> Span {
    slo.reach.period.max(slo.reach.longest_window())
}
