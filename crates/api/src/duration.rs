//! How long a pause lasts: seconds as a number or text, or Go's duration notation.

use std::borrow::Cow;

use jiff::SignedDuration;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

/// The longest pause, about 31 years: far beyond use, far within what timestamps can carry.
const MAX_SECONDS: i64 = 1_000_000_000;

/// The longest text that [`PATTERN`] accepts: six times nine digits, a point, nine digits and a unit of two letters.
const MAX_LENGTH: usize = 6 * (9 + 1 + 9 + 2);

/// The text that the CRD accepts, so that a bad duration is refused at admission.
pub const PATTERN: &str = r"^([0-9]{1,9}|([0-9]{1,9}(\.[0-9]{1,9})?(h|m|s|ms)){1,6})$";

/// A duration as users write it: `10`, `"10"`, `"10s"` or `"1h30m"`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(untagged)]
pub enum PauseDuration {
    /// Whole seconds.
    Seconds(i64),
    /// Whole seconds or Go's notation, as text.
    Text(String),
}

/// Why a duration was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a duration: write seconds (10) or units (\"10s\", \"1h30m\")")]
pub struct InvalidDuration(pub String);

impl PauseDuration {
    /// The length of the pause.
    ///
    /// # Errors
    /// Negative, unreadable or absurdly long durations. All arithmetic is checked.
    pub fn parse(&self) -> Result<SignedDuration, InvalidDuration> {
        match self {
            Self::Seconds(seconds) if (0..=MAX_SECONDS).contains(seconds) => {
                Ok(SignedDuration::from_secs(*seconds))
            }
            Self::Seconds(seconds) => Err(InvalidDuration(seconds.to_string())),
            Self::Text(text) => parse_text(text).ok_or_else(|| InvalidDuration(text.clone())),
        }
    }
}

fn parse_text(text: &str) -> Option<SignedDuration> {
    if text.is_empty() || text.len() > MAX_LENGTH {
        return None;
    }
    if text.bytes().all(|b| b.is_ascii_digit()) {
        return bounded(SignedDuration::from_secs(text.parse().ok()?));
    }
    let mut total = SignedDuration::ZERO;
    let mut rest = text;
    while !rest.is_empty() {
        let unit_at = rest.find(|c: char| c.is_ascii_alphabetic())?;
        let (number, tail) = rest.split_at(unit_at);
        let unit_len = tail.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(tail.len());
        let (unit, tail) = tail.split_at(unit_len);
        total = total.checked_add(component(number, unit)?)?;
        rest = tail;
    }
    bounded(total)
}

fn component(number: &str, unit: &str) -> Option<SignedDuration> {
    let nanos_per_unit: i64 = match unit {
        "h" => 3_600_000_000_000,
        "m" => 60_000_000_000,
        "s" => 1_000_000_000,
        "ms" => 1_000_000,
        _ => return None,
    };
    let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
    let all_digits = |text: &str| (1..=9).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
    if !all_digits(whole) || !all_digits(fraction) {
        return None;
    }
    let whole_nanos = i128::from(whole.parse::<i64>().ok()?) * i128::from(nanos_per_unit);
    let scale = 10_i128.pow(u32::try_from(fraction.len()).ok()?);
    let fraction_nanos = i128::from(fraction.parse::<i64>().ok()?) * i128::from(nanos_per_unit) / scale;
    let nanos = whole_nanos.checked_add(fraction_nanos)?;
    let seconds = i64::try_from(nanos / 1_000_000_000).ok()?;
    Some(SignedDuration::new(seconds, i32::try_from(nanos % 1_000_000_000).ok()?))
}

fn bounded(duration: SignedDuration) -> Option<SignedDuration> {
    (duration.as_secs() <= MAX_SECONDS).then_some(duration)
}

impl JsonSchema for PauseDuration {
    fn schema_name() -> Cow<'static, str> {
        "PauseDuration".into()
    }

    fn inline_schema() -> bool {
        true
    }

    /// `pattern` does not bind integers, so these have a minimum of their own.
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "x-kubernetes-int-or-string": true,
            "minimum": 0,
            "maximum": MAX_SECONDS,
            "pattern": PATTERN,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(value: &str) -> Option<SignedDuration> {
        PauseDuration::Text(value.into()).parse().ok()
    }

    #[test]
    fn seconds_and_go_notation_are_read() {
        for (written, millis) in [
            ("10", 10_000),
            ("10s", 10_000),
            ("1h30m", 5_400_000),
            ("1.5h", 5_400_000),
            ("500ms", 500),
            ("0", 0),
            ("1m0.5s", 60_500),
            ("0000000.100000000h0000000.100000000m0000000.100000000s000000.000000000ms", 366_100),
        ] {
            assert_eq!(text(written), Some(SignedDuration::from_millis(millis)), "{written}");
        }
        assert_eq!(PauseDuration::Seconds(7).parse(), Ok(SignedDuration::from_secs(7)));
    }

    #[test]
    fn everything_else_is_refused_without_a_panic() {
        for written in
            ["", "1h-5m", "--5s", "+-5s", "s", "1d", "1.s", ".5s", "1..5s", "9999999999999h", "10 s", "1e3s"]
        {
            assert_eq!(text(written), None, "{written}");
        }
        assert!(PauseDuration::Seconds(-5).parse().is_err());
        assert!(text("99999999h").is_none());
    }
}
