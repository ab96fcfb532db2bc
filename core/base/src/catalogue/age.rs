//! How old a catalogue is: what it says of models changes with the service.

use std::time::SystemTime;

use super::Catalogue;
use crate::message::{Message, message, option};

/// Beyond so many days it says so.
const OLD: i64 = 90;

const DAY: u64 = 24 * 3600;

impl Catalogue {
    /// The warning about its age on this day, counted from 1970; `None` if it is fresh.
    #[doc(hidden)]
    pub fn age_warning(&self, today: i64) -> Option<Message> {
        let age = today - days(&self.checked)?;
        (age > OLD).then(|| {
            message!(
                "the catalogue of models was checked on {}, {age} days ago: models, limits and prices may be others now. \
                 A newer version of this package brings a newer one, and {} takes the path or the URL of one",
                self.checked,
                option("catalogue")
            )
        })
    }
}

/// The day of a clock, counted from 1970.
#[doc(hidden)]
pub fn day_of(clock: SystemTime) -> i64 {
    let seconds = clock.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs();
    i64::try_from(seconds / DAY).unwrap_or(i64::MAX)
}

/// A date like `2026-11-24`, or `2026-11` for the first of it, as days since 1970.
#[doc(hidden)]
pub fn days(date: &str) -> Option<i64> {
    let mut parts = date.split('-').map(|part| part.parse::<i64>().ok());
    let (year, month) = (parts.next()??, parts.next()??);
    let day = parts.next().unwrap_or(Some(1))?;
    if !(1..=12).contains(&month) || !(1..=31).contains(&day) || !(1..=9999).contains(&year) {
        return None;
    }
    // Years begin in March, so that a leap day is the last one of its year.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let days = 365 * year + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 + day - 1;
    Some(days - 719_468)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn days_are_counted_through_leap_years() {
        for (date, number) in [
            ("1970-01-01", 0),
            ("1970-03-01", 59),
            ("2000-02-29", 11_016),
            ("2000-03-01", 11_017),
            ("2026-11-24", 20_781),
            ("2026-11", 20_758),
            ("2027-02-22", 20_871),
        ] {
            assert_eq!(days(date), Some(number), "{date}");
        }
        for date in ["", "2026", "2026-13-01", "2026-11-32", "soon-11-24"] {
            assert_eq!(days(date), None, "{date}");
        }
        let noon = SystemTime::UNIX_EPOCH + Duration::from_secs(20_781 * DAY + 12 * 3600);
        assert_eq!(day_of(noon), 20_781);
    }

    #[test]
    fn a_catalogue_says_that_it_is_old_from_the_91st_day() {
        let catalogue = Catalogue { checked: "2026-11-24".to_owned(), ..Catalogue::default() };
        assert_eq!(catalogue.age_warning(20_781 + 90), None);
        let says = catalogue.age_warning(20_781 + 91).unwrap();
        assert!(says.contains("2026-11-24, 91 days ago") && says.contains("`catalogue`"), "{says}");
        // A clock that is behind makes it no older.
        assert_eq!(catalogue.age_warning(0), None);
    }
}
