//! Times as they are told: by the clock of the act.

use jiff::{SignedDuration, Timestamp};

/// A length of time for people, in whole seconds: `45s`, `1m30s`, `2h`.
pub fn length(seconds: f64) -> String {
    #[expect(clippy::cast_possible_truncation, reason = "plans are shorter than the universe")]
    let whole = seconds.round() as i64;
    let (hours, minutes, seconds) = (whole / 3600, whole / 60 % 60, whole % 60);
    let parts = [(hours, "h"), (minutes, "m"), (seconds, "s")];
    let text: String = parts.iter().filter(|(n, _)| *n > 0).map(|(n, unit)| format!("{n}{unit}")).collect();
    if text.is_empty() { "0s".to_owned() } else { text }
}

/// Seconds from one moment to another.
pub fn seconds(from: Timestamp, to: Timestamp) -> f64 {
    milliseconds(to.duration_since(from))
}

fn milliseconds(duration: SignedDuration) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "milliseconds of a plan")]
    let milliseconds = duration.as_millis() as f64;
    milliseconds / 1000.0
}

/// A sentence in which the times of the calendar are replaced by those of the act.
pub fn retell(sentence: &str, began: Timestamp) -> String {
    let word = |word: &str| {
        let bare = word.trim_end_matches([',', ';', '.', ')']);
        match bare.parse::<Timestamp>() {
            Ok(time) => format!("t+{}{}", length(seconds(began, time)), &word[bare.len()..]),
            Err(_) => word.to_owned(),
        }
    };
    sentence.split(' ').map(word).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_told_in_the_units_that_they_have() {
        let told = [0.4, 45.0, 90.0, 7200.0, 3661.0].map(length);
        assert_eq!(told, ["0s", "45s", "1m30s", "2h", "1h1m1s"]);
    }

    #[test]
    fn times_of_the_calendar_become_those_of_the_act() {
        let began: Timestamp = "2030-01-01T00:00:00Z".parse().unwrap();
        let told = retell("web-1 keeps its pods until 2030-01-01T00:00:35Z, or longer", began);
        assert_eq!(told, "web-1 keeps its pods until t+35s, or longer");
    }
}
