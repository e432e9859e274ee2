//! What may be said about a failed API call, and to whom.
//!
//! Metrics and log fields get a [`Category`]: a small fixed set. Logs get [`brief`]. Status and Events get neither the
//! client's nor the server's text, because those name addresses and versions that change with every attempt, so that
//! the status would never come to rest: they get [`Category::sentence`].

use std::error::Error;

/// Why an API call failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Category {
    /// Somebody else wrote the object first (409).
    Conflict,
    /// The object does not fit its schema, or the precondition of a JSON patch did not hold (422, 400).
    Invalid,
    /// The object is not there (404, 410).
    NotFound,
    /// A permission is missing (401, 403).
    Forbidden,
    /// The API server asked for fewer requests (429).
    Throttled,
    /// The API server, or something behind it, failed (5xx).
    Server,
    /// No answer in time. Whether the call took effect is not known.
    Timeout,
    /// No connection. Whether the call took effect is not known.
    Network,
    /// The answer could not be understood.
    Decode,
    /// This process no longer holds the lease, so the call was not made.
    NotLeading,
    /// Anything else.
    Other,
}

impl Category {
    /// The category of a client error.
    pub fn of(error: &kube::Error) -> Self {
        match error {
            kube::Error::Api(status) => Self::of_code(status.code),
            kube::Error::SerdeError(_) | kube::Error::FromUtf8(_) => Self::Decode,
            kube::Error::HyperError(_) | kube::Error::Service(_) | kube::Error::ReadEvents(_) => {
                if timed_out(error) { Self::Timeout } else { Self::Network }
            }
            _ => Self::Other,
        }
    }

    /// The category of a refusal, by its HTTP status code.
    pub fn of_code(code: u16) -> Self {
        match code {
            409 => Self::Conflict,
            400 | 422 => Self::Invalid,
            404 | 410 => Self::NotFound,
            401 | 403 => Self::Forbidden,
            429 => Self::Throttled,
            504 => Self::Timeout,
            500..=599 => Self::Server,
            _ => Self::Other,
        }
    }

    /// The label of metrics and log fields.
    pub fn label(self) -> &'static str {
        match self {
            Self::Conflict => "conflict",
            Self::Invalid => "invalid",
            Self::NotFound => "not_found",
            Self::Forbidden => "forbidden",
            Self::Throttled => "throttled",
            Self::Server => "server",
            Self::Timeout => "timeout",
            Self::Network => "network",
            Self::Decode => "decode",
            Self::NotLeading => "not_leading",
            Self::Other => "other",
        }
    }

    /// What users are told, in status and Events.
    pub fn sentence(self) -> &'static str {
        match self {
            Self::Conflict => "the object was changed by somebody else at the same time",
            Self::Invalid => "the API server rejected the change as invalid",
            Self::NotFound => "the object does not exist",
            Self::Forbidden => "the operator lacks a permission",
            Self::Throttled => "the API server asks for fewer requests",
            Self::Server => "the API server failed",
            Self::Timeout => "the API server did not answer in time",
            Self::Network => "the API server cannot be reached",
            Self::Decode => "the API server's answer could not be understood",
            Self::NotLeading => "another instance of the operator leads",
            Self::Other => "the call to the API server failed",
        }
    }
}

/// Whether the server's words about a refusal are about the object, so that users may be told them as they are.
pub fn explains(code: u16) -> bool {
    matches!(code, 400 | 403 | 422 | 429)
}

/// The error in one line, for logs: what the API server said, or the whole chain of causes.
pub fn brief(error: &kube::Error) -> String {
    match error {
        kube::Error::Api(status) if status.reason.is_empty() => {
            format!("{}: {}", status.code, status.message)
        }
        kube::Error::Api(status) => format!("{} {}: {}", status.code, status.reason, status.message),
        error => causes(error).map(ToString::to_string).collect::<Vec<_>>().join(": "),
    }
}

fn timed_out(error: &(dyn Error + 'static)) -> bool {
    causes(error).any(|cause| {
        cause.downcast_ref::<std::io::Error>().is_some_and(|io| io.kind() == std::io::ErrorKind::TimedOut)
    })
}

fn causes<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |&error| error.source())
}

#[cfg(test)]
mod tests {
    use std::io;

    use kube::core::Status;

    use super::*;

    fn api(code: u16, reason: &str) -> kube::Error {
        kube::Error::Api(Status::failure("rollouts \"a\" is off", reason).with_code(code).boxed())
    }

    #[test]
    fn answers_are_told_apart_by_their_code() {
        for (code, category) in [
            (409, Category::Conflict),
            (422, Category::Invalid),
            (404, Category::NotFound),
            (403, Category::Forbidden),
            (429, Category::Throttled),
            (503, Category::Server),
            (504, Category::Timeout),
            (418, Category::Other),
        ] {
            assert_eq!(Category::of(&api(code, "")), category, "{code}");
        }
    }

    #[test]
    fn a_connection_that_fails_is_told_from_one_that_is_slow() {
        let service = |kind| kube::Error::Service(Box::new(io::Error::from(kind)));
        assert_eq!(Category::of(&service(io::ErrorKind::TimedOut)), Category::Timeout);
        assert_eq!(Category::of(&service(io::ErrorKind::ConnectionRefused)), Category::Network);
    }

    #[test]
    fn logs_get_the_servers_words_in_one_line() {
        assert_eq!(brief(&api(409, "Conflict")), "409 Conflict: rollouts \"a\" is off");
        let refused = kube::Error::Service(Box::new(io::Error::from(io::ErrorKind::ConnectionRefused)));
        assert!(brief(&refused).contains("connection refused"));
    }
}
