//! How a run's progress is shown: one line for a terminal, a widget for a notebook.

use crate::records::Progress;

impl Progress {
    /// Items with an outcome.
    fn ended(&self) -> u64 {
        self.done + self.failed
    }

    /// One line of at most `width` characters: a bar if the number of items is known and there is
    /// room, what is done, failed and waiting, the cost so far, and the time left.
    pub fn line(&self, width: usize) -> String {
        let words = self.words();
        let room = width.saturating_sub(words.chars().count() + 3).min(40);
        let line = match self.total.filter(|total| *total > 0 && room >= 8) {
            Some(total) => {
                let share = (self.ended().min(total) as f64) / (total as f64);
                let full = (share * room as f64) as usize;
                format!("[{}{}] {words}", "█".repeat(full), "░".repeat(room - full))
            }
            None => words,
        };
        line.chars().take(width).collect()
    }

    /// A snippet for notebooks, without scripts; a screen reader reads the bar and the words.
    pub fn html(&self) -> String {
        let words = self.words();
        let bar = match self.total {
            Some(total) => format!("max=\"{}\" value=\"{}\"", total.max(1), self.ended().min(total)),
            None => String::new(),
        };
        format!(
            "<div role=\"status\"><progress aria-label=\"items done\" style=\"width:20em;vertical-align:middle\" {bar}>\
             </progress> <span>{words}</span></div>"
        )
    }

    fn words(&self) -> String {
        let mut words = match self.total {
            Some(total) => format!("{}/{total}", self.ended()),
            None => format!("{} done", self.done),
        };
        if self.failed > 0 {
            words.push_str(&format!(", {} failed", self.failed));
        }
        words.push_str(&format!(", {} waiting, ${:.2}", self.waiting, self.cost));
        if let Some(left) = self.left {
            words.push_str(&format!(", {} left", duration(left.0)));
        }
        words
    }
}

/// A length of time in its one or two largest units.
fn duration(seconds: f64) -> String {
    let seconds = seconds.max(0.0).ceil() as u64;
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, 0, seconds) => format!("{seconds} s"),
        (0, minutes, seconds) if minutes < 10 => format!("{minutes} min {seconds} s"),
        (0, minutes, _) => format!("{minutes} min"),
        (hours, minutes, _) => format!("{hours} h {minutes} min"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::Seconds;

    #[test]
    fn the_line_fits_and_tells() {
        let progress = Progress {
            done: 12,
            failed: 1,
            waiting: 8,
            total: Some(26),
            cost: 0.4836,
            left: Some(Seconds(190.2)),
        };
        let line = progress.line(80);
        assert!(line.ends_with("] 13/26, 1 failed, 8 waiting, $0.48, 3 min 11 s left"), "{line}");
        assert!(line.matches('░').count() - line.matches('█').count() <= 1, "{line}");
        for width in 0..90 {
            assert!(progress.line(width).chars().count() <= width);
        }
        assert!(progress.html().contains("max=\"26\" value=\"13\""));
        let unknown = Progress { total: None, left: None, ..progress };
        assert_eq!(unknown.line(80), "12 done, 1 failed, 8 waiting, $0.48");
        assert!(!unknown.html().contains("max="));
    }
}
