//! What was measured, as a table and as JSON.

use serde::Serialize;

use super::Output;
use crate::report;

/// One figure of one run.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Figure {
    /// What was measured.
    pub(crate) what: &'static str,
    /// How much.
    pub(crate) value: f64,
    /// In which unit.
    pub(crate) unit: &'static str,
    /// What it should be, in words; empty where nothing is asked.
    pub(crate) target: &'static str,
}

/// The figures of one run, or the medians of several.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct Figures {
    /// In the order in which they were measured.
    pub(crate) figures: Vec<Figure>,
}

impl Figures {
    /// Takes a figure in and shows it.
    pub(crate) fn add(
        &mut self,
        what: &'static str,
        value: f64,
        unit: &'static str,
        target: &'static str,
    ) -> anyhow::Result<()> {
        let figure = Figure {
            what,
            value,
            unit,
            target,
        };
        report::line(&format!("    {what}: {}", figure.text()))?;
        self.figures.push(figure);
        Ok(())
    }

    /// The median of each figure.
    pub(crate) fn medians(runs: &[Self]) -> Self {
        let Some(first) = runs.first() else {
            return Self::default();
        };
        let median = |figure: &Figure| {
            let same = runs
                .iter()
                .flat_map(|run| &run.figures)
                .filter(|other| other.what == figure.what);
            let values: Vec<f64> = same.map(|figure| figure.value).collect();
            Figure {
                value: report::median(&values).unwrap_or(figure.value),
                ..figure.clone()
            }
        };
        Self {
            figures: first.figures.iter().map(median).collect(),
        }
    }

    /// Prints them.
    pub(crate) fn print(&self, output: Output) -> anyhow::Result<()> {
        match output {
            Output::Json => report::line(&serde_json::to_string_pretty(self)?),
            Output::Table => self
                .figures
                .iter()
                .try_for_each(|figure| report::figure("scale", figure.what, &figure.text(), figure.target)),
        }
    }
}

impl Figure {
    fn text(&self) -> String {
        let digits = match self.value {
            value if value.fract() == 0.0 => 0,
            value if value < 10.0 => 2,
            _ => 1,
        };
        format!("{:.digits$} {}", self.value, self.unit).trim_end().to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_of_a_figure_is_of_that_figure_in_every_run() {
        let run = |first, second| {
            let figure = |what, value| Figure {
                what,
                value,
                unit: "s",
                target: "",
            };
            Figures {
                figures: vec![figure("first", first), figure("second", second)],
            }
        };
        let medians = Figures::medians(&[run(1.0, 30.0), run(2.0, 10.0), run(3.0, 20.0)]);
        let texts: Vec<_> = medians.figures.iter().map(Figure::text).collect();
        assert_eq!(texts, ["2 s", "20 s"]);
        assert!(Figures::medians(&[]).figures.is_empty());
    }
}
