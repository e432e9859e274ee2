//! Failures on demand.

use super::kinds::Kind;
use super::request::{Call, Verb};

/// What happens to a request instead of what it asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It has no effect and is answered with this status code.
    Status(u16),
    /// It has no effect, and the connection breaks.
    DropRequest,
    /// It takes effect, and the connection breaks before the answer.
    LoseAnswer,
    /// It has no effect and is never answered.
    Hang,
    /// It takes effect and is never answered.
    HangAfter,
}

impl Fault {
    /// Whether the request still takes effect.
    pub(crate) fn takes_effect(self) -> bool {
        matches!(self, Self::LoseAnswer | Self::HangAfter)
    }
}

/// Which requests are meant. Every condition that is given must hold.
#[derive(Clone, Debug, Default)]
pub struct Matcher {
    writes: bool,
    verb: Option<Verb>,
    kind: Option<Kind>,
    name: Option<String>,
    subresource: Option<Option<String>>,
    user: Option<String>,
    skip: usize,
}

impl Matcher {
    /// Every request.
    pub fn any() -> Self {
        Self::default()
    }

    /// Everything that could change something. Dry runs count.
    pub fn writes() -> Self {
        Self { writes: true, ..Self::default() }
    }

    /// Requests with one verb.
    pub fn verb(verb: Verb) -> Self {
        Self { verb: Some(verb), ..Self::default() }
    }

    #[must_use]
    pub fn of(self, kind: Kind) -> Self {
        Self { kind: Some(kind), ..self }
    }

    /// By the name in the path; a create has none.
    #[must_use]
    pub fn named(self, name: &str) -> Self {
        Self { name: Some(name.to_owned()), ..self }
    }

    /// Only the `/status` subresource.
    #[must_use]
    pub fn of_status(self) -> Self {
        Self { subresource: Some(Some("status".to_owned())), ..self }
    }

    /// Only the objects themselves, no subresource.
    #[must_use]
    pub fn of_object(self) -> Self {
        Self { subresource: Some(None), ..self }
    }

    #[must_use]
    pub fn by(self, user: &str) -> Self {
        Self { user: Some(user.to_owned()), ..self }
    }

    /// Lets the first `requests` pass: `skip(0)` means the next one.
    #[must_use]
    pub fn skip(self, requests: usize) -> Self {
        Self { skip: requests, ..self }
    }

    pub fn matches(&self, call: &Call) -> bool {
        (!self.writes || call.verb.is_write())
            && self.verb.is_none_or(|verb| verb == call.verb)
            && self.kind.is_none_or(|kind| kind == call.kind())
            && self.name.as_ref().is_none_or(|name| *name == call.name())
            && self.subresource.as_ref().is_none_or(|wanted| wanted.as_deref() == call.subresource())
            && self.user.as_ref().is_none_or(|user| *user == call.user)
    }
}

/// The failures that are still to come.
#[derive(Clone, Debug, Default)]
pub(crate) struct Faults {
    once: Vec<(Matcher, Fault)>,
    standing: Vec<(Matcher, Fault)>,
}

impl Faults {
    pub fn once(&mut self, matcher: Matcher, fault: Fault) {
        self.once.push((matcher, fault));
    }

    pub fn standing(&mut self, matcher: Matcher, fault: Fault) {
        self.standing.push((matcher, fault));
    }

    pub fn clear(&mut self) {
        *self = Self::default();
    }

    /// The fault that hits this request, if any. Counts it for those that hit a later one.
    pub fn strike(&mut self, call: &Call) -> Option<Fault> {
        let mut struck = None;
        let mut index = 0;
        while index < self.once.len() {
            let (matcher, fault) = &mut self.once[index];
            if !matcher.matches(call) {
                index += 1;
            } else if matcher.skip > 0 {
                matcher.skip -= 1;
                index += 1;
            } else if struck.is_none() {
                struck = Some(*fault);
                self.once.remove(index);
            } else {
                index += 1;
            }
        }
        let standing =
            || self.standing.iter().find(|(matcher, _)| matcher.matches(call)).map(|(_, fault)| *fault);
        struck.or_else(standing)
    }
}
