//! Figures beside their limits.

use std::fmt::Write;

/// Which side of its limit a figure should be on.
#[derive(Clone, Copy)]
pub enum Limit {
    #[cfg_attr(
        not(test),
        expect(dead_code, reason = "no bench of throughput is here yet")
    )]
    AtLeast(f64),
    AtMost(f64),
}

/// One measured thing: several rounds of it, and its limit.
pub struct Figure {
    pub name: String,
    pub unit: &'static str,
    pub rounds: Vec<f64>,
    pub limit: Limit,
}

impl Figure {
    pub fn median(&self) -> f64 {
        let mut rounds = self.rounds.clone();
        rounds.sort_by(f64::total_cmp);
        let middle = rounds.len() / 2;
        match rounds.get(middle) {
            None => f64::NAN,
            Some(upper) if rounds.len() % 2 == 1 => *upper,
            Some(upper) => f64::midpoint(rounds[middle - 1], *upper),
        }
    }

    /// The median over the limit.
    pub fn ratio(&self) -> f64 {
        let (Limit::AtLeast(limit) | Limit::AtMost(limit)) = self.limit;
        self.median() / limit
    }

    pub fn kept(&self) -> bool {
        match self.limit {
            Limit::AtLeast(_) => self.ratio() >= 1.0,
            Limit::AtMost(_) => self.ratio() <= 1.0,
        }
    }

    fn spread(&self) -> String {
        if self.rounds.is_empty() {
            return "not measured".to_owned();
        }
        let least = self.rounds.iter().copied().fold(f64::INFINITY, f64::min);
        let most = self
            .rounds
            .iter()
            .copied()
            .fold(f64::NEG_INFINITY, f64::max);
        format!("{}–{}", number(least), number(most))
    }
}

/// Prints a table; returns whether every limit was kept.
pub fn print(title: &str, figures: &[Figure]) -> bool {
    println!("\n{}", table(title, figures));
    figures.iter().all(Figure::kept)
}

fn table(title: &str, figures: &[Figure]) -> String {
    let mut text = format!(
        "{title:<40} {:>10} {:<8} {:>17} {:>12} {:>6}\n",
        "median", "unit", "spread", "limit", "ratio"
    );
    for figure in figures {
        let limit = match figure.limit {
            Limit::AtLeast(limit) => format!("≥ {}", number(limit)),
            Limit::AtMost(limit) => format!("≤ {}", number(limit)),
        };
        // Writing to a String does not fail.
        let _ = writeln!(
            text,
            "{:<40} {:>10} {:<8} {:>17} {limit:>12} {:>6.2}{}",
            figure.name,
            number(figure.median()),
            figure.unit,
            figure.spread(),
            figure.ratio(),
            if figure.kept() {
                ""
            } else {
                "  over the limit"
            },
        );
    }
    text
}

/// Three significant digits, and thousands apart.
fn number(value: f64) -> String {
    let digits = match value.abs() {
        size if size >= 100.0 => 0,
        size if size >= 10.0 => 1,
        _ => 2,
    };
    let text = format!("{value:.digits$}");
    let (whole, fraction) = text
        .split_once('.')
        .map_or((&*text, ""), |(whole, f)| (whole, f));
    let mut grouped = String::new();
    for (index, digit) in whole.chars().enumerate() {
        let left = whole.len() - index;
        if index > 0 && left.is_multiple_of(3) && !grouped.ends_with('-') {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    if fraction.is_empty() {
        grouped
    } else {
        format!("{grouped}.{fraction}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figure(rounds: &[f64], limit: Limit) -> Figure {
        Figure {
            name: "x".to_owned(),
            unit: "ms",
            rounds: rounds.to_vec(),
            limit,
        }
    }

    #[test]
    fn the_median_is_set_beside_the_limit() {
        let fast = figure(&[3.0, 100.0, 1.0], Limit::AtMost(6.0));
        assert!((fast.median() - 3.0).abs() < 1e-9);
        assert!((fast.ratio() - 0.5).abs() < 1e-9);
        assert!(fast.kept());
        assert!(!figure(&[7.0, 7.0], Limit::AtMost(6.0)).kept());
        assert!(figure(&[6.0, 8.0], Limit::AtLeast(7.0)).kept());
        assert!(
            !figure(&[], Limit::AtMost(1.0)).kept(),
            "nothing measured is not a pass"
        );
    }

    #[test]
    fn numbers_are_short() {
        assert_eq!(number(1_234_567.8), "1,234,568");
        assert_eq!(number(999.4), "999");
        assert_eq!(number(12.34), "12.3");
        assert_eq!(number(0.5), "0.50");
        assert_eq!(number(-123_456.0), "-123,456");
    }
}
