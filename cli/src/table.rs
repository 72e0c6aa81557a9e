//! Tables for people.

use std::fmt;

/// Columns under headers, as wide as their widest cell.
#[derive(Debug)]
pub(crate) struct Table {
    headers: &'static [&'static str],
    rows: Vec<Vec<String>>,
}

impl Table {
    pub(crate) const fn new(headers: &'static [&'static str]) -> Self {
        Self {
            headers,
            rows: Vec::new(),
        }
    }

    pub(crate) fn row(&mut self, cells: Vec<String>) {
        self.rows.push(cells);
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let headers: Vec<String> = self.headers.iter().map(|header| (*header).to_owned()).collect();
        let lines: Vec<&Vec<String>> = std::iter::once(&headers).chain(&self.rows).collect();
        let width = |column: usize| {
            lines
                .iter()
                .filter_map(|line| line.get(column))
                .map(|cell| cell.chars().count())
                .max()
        };
        for line in &lines {
            let mut text = String::new();
            for (column, cell) in line.iter().enumerate() {
                text.push_str(&format!("{cell:<width$}  ", width = width(column).unwrap_or(0)));
            }
            writeln!(f, "{}", text.trim_end())?;
        }
        Ok(())
    }
}

/// A value, or a dash.
pub(crate) fn or_dash(value: Option<impl fmt::Display>) -> String {
    value.map_or_else(|| "-".to_owned(), |value| value.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let mut table = Table::new(&["NODE", "H"]);
        table.row(vec!["node-10".into(), or_dash(Some(7))]);
        table.row(vec!["é".into(), or_dash(None::<u64>)]);
        assert_eq!(table.to_string(), "NODE     H\nnode-10  7\né        -\n");
    }
}
