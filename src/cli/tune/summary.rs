//! What came of several SLOs, a line each.

use super::Tuned;
use super::text::{Page, amount, name, tenth};
use crate::cli::check::harmless;

impl Page {
    /// A table of all.
    pub(super) fn summary(&self, results: &[Tuned]) -> String {
        let header = [
            "slo",
            "objective",
            "pages a week",
            "tickets a week",
            "wishes",
        ];
        let mut table = self.table(&header);
        let mut met = 0;
        for (slo, result) in results {
            let id = harmless(slo.id.as_str());
            let Ok(proposal) = result else {
                let why = result.as_ref().err().map_or("", String::as_str);
                let why = format!("not tuned: {}", harmless(why));
                let none = String::new;
                table.add_row([id, slo.objective.percent().to_string(), none(), none(), why]);
                continue;
            };
            let (now, new) = (&proposal.present, &proposal.proposed);
            let both = |now: String, new: String| match now == new {
                true => now,
                false => format!("{now} -> {new}"),
            };
            let missed = proposal.wishes.iter().filter(|wish| !wish.is_met);
            let missed: Vec<String> = missed
                .map(|wish| {
                    let (came, wished) = (wish.proposed, Some(wish.wished));
                    let came = amount(wish.kind, came);
                    format!(
                        "{}: {came}, not {}",
                        name(wish.kind),
                        amount(wish.kind, wished)
                    )
                })
                .collect();
            met += u64::from(proposal.is_met);
            let objective = |percent: f64| percent.to_string();
            table.add_row([
                id,
                both(
                    objective(now.objective_percent),
                    objective(new.objective_percent),
                ),
                both(
                    tenth(now.figures.pages_per_week),
                    tenth(new.figures.pages_per_week),
                ),
                both(
                    tenth(now.figures.tickets_per_week),
                    tenth(new.figures.tickets_per_week),
                ),
                match (missed.is_empty(), proposal.is_change) {
                    (true, true) => "met by what is proposed".to_owned(),
                    (true, false) => "met as it is".to_owned(),
                    (false, _) => format!("not met: {}", missed.join("; ")),
                },
            ]);
        }
        let count = results.len();
        let title = format!("all of them: {met} of {count} meet every wish");
        format!("{}\n{}", self.bold(&title), table.trim_fmt())
    }
}
