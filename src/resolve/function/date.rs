//! Functions over dates, as RFC 3339 writes them. Layer 4. None knows what day it is.

use jiff::{
    SignedDuration, Timestamp,
    civil::{DateTime, Weekday},
    fmt::temporal::Pieces,
    tz::Offset,
};

use super::{
    Answer, Argument, Entry, Refusal,
    argument::{text, value},
    pure,
};
use crate::schema::value::Value;

pub(super) const TABLE: &[Entry] = &[
    pure(
        "formatdate",
        "formatdate(\"DD MMM YYYY hh:mm ZZZ\", \"2027-01-31T23:12:01Z\")",
        (2, 2),
        "A date as the first argument draws it: YYYY, MM, DD, EEEE, hh, mm, ss, ZZZ and so on, as in Terraform; words in quotes stay.",
        format_date,
    ),
    pure("timeadd", "timeadd(\"2027-01-31T00:00:00Z\", 24h)", (2, 2), "The date after a duration, such as `24h` or \"-1h30m\".", |a| {
        let (date, nanoseconds) = (moment(a, 0)?, duration(a, 1)?);
        let later = Timestamp::from_nanosecond(date.at.as_nanosecond().saturating_add(nanoseconds));
        let later = later.map_err(|_| Refusal::Wrong(1, "no such date can be written".into()))?;
        let shown = date.offset.to_datetime(later);
        if !(0..=9999).contains(&shown.year()) {
            return Err(Refusal::Wrong(1, "no such date can be written".into()));
        }
        Ok(Value::text(format!("{}{}", shown.strftime("%Y-%m-%dT%H:%M:%S"), zone(date.offset, ":", "Z"))))
    }),
    pure(
        "timecmp",
        "timecmp(\"2027-01-31T00:00:00Z\", \"2027-02-01T00:00:00Z\")",
        (2, 2),
        "-1, 0 or 1, as the first date is before, at or after the second.",
        |a| Ok(Value::Int(moment(a, 0)?.at.cmp(&moment(a, 1)?.at) as i64)),
    ),
];

/// A date, where it was written.
struct Moment {
    at: Timestamp,
    written: DateTime,
    offset: Offset,
}

fn moment(a: &[Argument], i: usize) -> Result<Moment, Refusal> {
    let text = text(a, i)?;
    let read = || {
        // RFC 3339 has one form alone, of those that the parser takes.
        let place = |at: usize| text.as_bytes().get(at).copied();
        let zone = text.get(19..)?.trim_start_matches(|c: char| c == '.' || c.is_ascii_digit());
        let whole = zone == "Z" || (zone.len() == 6 && zone.as_bytes().get(3) == Some(&b':'));
        let separators = [4, 7, 10, 13, 16].map(place);
        if separators != [b'-', b'-', b'T', b':', b':'].map(Some) || !whole {
            return None;
        }
        let pieces = Pieces::parse(text).ok()?;
        let (written, offset) = (pieces.date().to_datetime(pieces.time()?), pieces.to_numeric_offset()?);
        Some(Moment { at: offset.to_timestamp(written).ok()?, written, offset })
    };
    read().ok_or_else(|| Refusal::Wrong(i, format!("{text:?} is no date as in \"2027-01-31T23:12:01Z\" (RFC 3339)")))
}

/// A number of nanoseconds: a duration, or a text such as `-1h30m`.
fn duration(a: &[Argument], i: usize) -> Result<i128, Refusal> {
    const UNITS: [(&str, i64); 7] =
        [("ns", 1), ("us", 1_000), ("µs", 1_000), ("ms", 1_000_000), ("s", 1_000_000_000), ("m", 60_000_000_000), ("h", 3_600_000_000_000)];
    if let Value::Duration(seconds) = value(a, i)? {
        return Ok(i128::from(*seconds) * i128::from(UNITS[4].1));
    }
    let text = text(a, i).map_err(|_| Refusal::Wanted(i, "a duration"))?;
    let read = || {
        let mut rest = text.trim_start_matches(['-', '+']);
        if text.len() - rest.len() > 1 || rest.is_empty() {
            return None;
        }
        let mut total = 0.0_f64;
        while !rest.is_empty() && rest != "0" {
            let digits = rest.find(|c: char| !(c.is_ascii_digit() || c == '.'))?;
            let (n, after) = rest.split_at(digits);
            let letters = after.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(after.len());
            let (unit, after) = after.split_at(letters);
            let size = UNITS.iter().find(|(name, _)| *name == unit)?.1;
            total += n.parse::<f64>().ok()? * size as f64;
            rest = after;
        }
        // As far as 64 bits go: 292 years.
        let whole = SignedDuration::from_nanos_i128(total.round() as i128);
        let whole = whole.as_nanos();
        (whole <= i128::from(i64::MAX)).then_some(if text.starts_with('-') { -whole } else { whole })
    };
    read().ok_or_else(|| Refusal::Wrong(i, format!("{text:?} is no duration such as \"1h30m\"")))
}

/// `+02:00`, or what stands for UTC.
fn zone(offset: Offset, colon: &str, utc: &str) -> String {
    let minutes = offset.seconds() / 60;
    if minutes == 0 && !utc.is_empty() {
        return utc.to_owned();
    }
    let sign = if minutes < 0 { '-' } else { '+' };
    format!("{sign}{:02}{colon}{:02}", minutes.abs() / 60, minutes.abs() % 60)
}

fn format_date(a: &[Argument]) -> Answer {
    let (mut rest, date) = (text(a, 0)?, moment(a, 1)?);
    let mut shown = String::new();
    while let Some(first) = rest.chars().next() {
        if first == '\'' {
            rest = quoted(rest.get(1..).unwrap_or_default(), &mut shown)?;
            continue;
        }
        let length = rest.len() - rest.trim_start_matches(first).len();
        let (run, after) = rest.split_at(length);
        if first.is_ascii_alphabetic() {
            let part = date.part(run).ok_or_else(|| {
                Refusal::Wrong(0, format!("`{run}` means nothing in a format of dates; a word stands in quotes: `'{run}'`"))
            })?;
            shown.push_str(&part);
        } else {
            shown.push_str(run);
        }
        rest = after;
    }
    Ok(Value::text(shown))
}

/// Text after a quote, up to the quote that closes it; two quotes are one that stays.
fn quoted<'t>(text: &'t str, shown: &mut String) -> Result<&'t str, Refusal> {
    let mut rest = text;
    loop {
        let (part, after) = rest.split_once('\'').ok_or_else(|| Refusal::Wrong(0, "a quote is not closed".into()))?;
        shown.push_str(part);
        match after.strip_prefix('\'') {
            Some(after) => {
                shown.push('\'');
                rest = after;
            }
            None => return Ok(after),
        }
    }
}

impl Moment {
    /// What a run of one letter stands for.
    fn part(&self, run: &str) -> Option<String> {
        const MONTHS: [&str; 12] =
            ["January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"];
        let d = &self.written;
        let month = || MONTHS.get(usize::try_from(d.month() - 1).unwrap_or(0)).copied().unwrap_or_default();
        let day = match d.weekday() {
            Weekday::Monday => "Monday",
            Weekday::Tuesday => "Tuesday",
            Weekday::Wednesday => "Wednesday",
            Weekday::Thursday => "Thursday",
            Weekday::Friday => "Friday",
            Weekday::Saturday => "Saturday",
            Weekday::Sunday => "Sunday",
        };
        let hour12 = (d.hour() + 11) % 12 + 1;
        let half = if d.hour() < 12 { "am" } else { "pm" };
        let three = |word: &str| word.get(..3).unwrap_or(word).to_owned();
        Some(match run {
            "YYYY" => format!("{:04}", d.year()),
            "YY" => format!("{:02}", d.year().rem_euclid(100)),
            "MMMM" => month().to_owned(),
            "MMM" => three(month()),
            "MM" => format!("{:02}", d.month()),
            "M" => d.month().to_string(),
            "DD" => format!("{:02}", d.day()),
            "D" => d.day().to_string(),
            "EEEE" => day.to_owned(),
            "EEE" => three(day),
            "hh" => format!("{:02}", d.hour()),
            "h" => d.hour().to_string(),
            "HH" => format!("{hour12:02}"),
            "H" => hour12.to_string(),
            "AA" => half.to_uppercase(),
            "aa" => half.to_owned(),
            "mm" => format!("{:02}", d.minute()),
            "m" => d.minute().to_string(),
            "ss" => format!("{:02}", d.second()),
            "s" => d.second().to_string(),
            "ZZZZZ" => zone(self.offset, ":", ""),
            "ZZZZ" => zone(self.offset, "", ""),
            "ZZZ" => zone(self.offset, "", "UTC"),
            "Z" => zone(self.offset, ":", "Z"),
            _ => return None,
        })
    }
}
