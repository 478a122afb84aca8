//! Days of the calendar. Layer 0.

use std::fmt;

/// A day of the Gregorian calendar, in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Day {
    year: u16,
    month: u8,
    day: u8,
}

impl Day {
    /// Reads `2027-01-31`; `None` if there is no such day.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('-');
        let mut part = |digits: usize| parts.next().filter(|p| p.len() == digits && p.bytes().all(|b| b.is_ascii_digit()));
        let (year, month, day) = (part(4)?.parse().ok()?, part(2)?.parse().ok()?, part(2)?.parse().ok()?);
        let whole = parts.next().is_none() && (1..=12).contains(&month) && (1..=length(year, month)).contains(&day);
        whole.then_some(Self { year, month, day })
    }

    /// The day of a time in seconds since 1970.
    #[must_use]
    pub fn of(seconds: u64) -> Self {
        let mut left = seconds / 86_400;
        let mut year: u16 = 1970;
        while left >= if leap(year) { 366 } else { 365 } && year < u16::MAX {
            left -= if leap(year) { 366 } else { 365 };
            year += 1;
        }
        let mut month: u8 = 1;
        while month < 12 && left >= u64::from(length(year, month)) {
            left -= u64::from(length(year, month));
            month += 1;
        }
        Self { year, month, day: u8::try_from(left + 1).unwrap_or(31) }
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}-{:02}", self.year, self.month, self.day)
    }
}

fn leap(year: u16) -> bool {
    year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
}

/// How many days a month has.
fn length(year: u16, month: u8) -> u8 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if leap(year) => 29,
        2 => 28,
        _ => 31,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_are_days() {
        let shown = |seconds| Day::of(seconds).to_string();
        assert_eq!(
            [0, 86_399, 86_400, 951_782_400, 1_709_164_800, 1_767_225_599].map(shown),
            ["1970-01-01", "1970-01-01", "1970-01-02", "2000-02-29", "2024-02-29", "2025-12-31"]
        );
    }

    #[test]
    fn a_day_that_is_none_is_refused() {
        let read = |text| Day::parse(text).map(|d| d.to_string());
        assert_eq!(read("2027-01-31").as_deref(), Some("2027-01-31"));
        assert_eq!(["2027-02-29", "2027-13-01", "2027-1-31", "27-01-31", "2027-01-00", "2027-01-31-1", "x"].map(read), [const { None }; 7]);
    }
}
