//! Two verbs at once: one plan sees what both have written. Which of them it follows is a rule, not a table.
//!
//! Verbs that write different things and touch the same canary are ranked; the one that ranks first has its way, and the
//! other is as if it had never been sent. From the first to the last: delete; abort; a template (changed or undone);
//! edited steps; promote full; skip and promote one step; resume; retry.
//!
//! The exceptions, which come before that:
//! - What writes the same field: the one that was written later, because nothing is left of the other.
//! - Abort and a template: both. The annotation means what the template describes when it is read, so the new template is
//!   aborted; a return to the stable one leaves nothing to abort.
//! - A template and edited steps: both.
//! - Pause and resume: pause, because a resume is refused while `spec.paused` is true.
//! - Scale, restart, pause and unpause rule out nothing else: both. What is held by a pause is so from the beginning.

use super::Verb;

/// Which of two verbs has its way when one plan sees both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Contest {
    pub winner: Winner,
    /// Why it is so.
    pub why: &'static str,
}

/// What comes of two verbs at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Winner {
    /// As if the other had not been sent.
    Only(Verb),
    /// As if this one had been sent when what the other brings about had come to rest.
    BothEndingWith(Verb),
    /// As if only the one that was written later had been sent.
    TheLater,
}

/// What comes of `a` and `b` when one plan sees both. The order of the arguments does not matter.
pub fn winner(a: Verb, b: Verb) -> Contest {
    let has = |verb: Verb| a == verb || b == verb;
    let contest = |winner, why| Contest { winner, why };
    if has(Verb::Delete) {
        return contest(Winner::Only(Verb::Delete), "What is being deleted takes no requests.");
    }
    if field(a) == field(b) {
        return contest(Winner::TheLater, "Both write the same field, and only the later value is there.");
    }
    if has(Verb::Pause) && has(Verb::Resume) {
        return contest(Winner::Only(Verb::Pause), "A resume is refused while spec.paused is true.");
    }
    if has(Verb::Pause) {
        let other = if a == Verb::Pause { b } else { a };
        return contest(
            Winner::BothEndingWith(other),
            "The other one is taken, and held as far as it is about steps or promotion.",
        );
    }
    if has(Verb::Unpause) && has(Verb::Resume) {
        return contest(
            Winner::BothEndingWith(Verb::Resume),
            "Nothing is held any more, so the resume counts.",
        );
    }
    if let Some(last) = [Verb::Unpause, Verb::Restart, Verb::Scale].into_iter().find(|verb| has(*verb)) {
        return contest(
            Winner::BothEndingWith(last),
            "Replicas, restarts and the end of a hold rule out no other request.",
        );
    }
    let (first, second) = if rank(a) <= rank(b) { (a, b) } else { (b, a) };
    if first == Verb::Abort && is_template(second) {
        return contest(
            Winner::BothEndingWith(Verb::Abort),
            "`current` means what the template describes when the request is read.",
        );
    }
    if is_template(first) && second == Verb::EditSteps {
        return contest(Winner::BothEndingWith(first), "A new template begins with the steps of its day.");
    }
    contest(Winner::Only(first), why_first(first))
}

fn is_template(verb: Verb) -> bool {
    matches!(verb, Verb::ChangeTemplate | Verb::UndoToStable | Verb::UndoToOlder)
}

fn rank(verb: Verb) -> u8 {
    match verb {
        Verb::Delete => 0,
        Verb::Abort => 1,
        Verb::ChangeTemplate | Verb::UndoToStable | Verb::UndoToOlder => 2,
        Verb::EditSteps => 3,
        Verb::PromoteFull => 4,
        Verb::Skip | Verb::PromoteStep => 5,
        Verb::Resume => 6,
        Verb::Retry => 7,
        Verb::Scale | Verb::Restart | Verb::Pause | Verb::Unpause => 8,
    }
}

fn why_first(first: Verb) -> &'static str {
    match first {
        Verb::Abort => "Abort wins: nothing that goes forward may delay the way back.",
        Verb::EditSteps => {
            "The canary begins the new steps at step 0, whatever was asked about the old ones."
        }
        Verb::PromoteFull => "Promote full passes all that the other one would.",
        Verb::Skip | Verb::PromoteStep => {
            "The step that it leaves is the one that the other names: never two pauses by two requests at once."
        }
        Verb::ChangeTemplate | Verb::UndoToStable | Verb::UndoToOlder => {
            "The other one is about a canary that is no longer wanted."
        }
        _ => "There is nothing to retry.",
    }
}

/// What a verb writes. Verbs with the same number take the place of each other.
fn field(verb: Verb) -> u8 {
    match verb {
        Verb::Abort => 0,
        Verb::Retry => 1,
        Verb::Resume => 2,
        Verb::PromoteStep | Verb::Skip => 3,
        Verb::PromoteFull => 4,
        Verb::UndoToStable | Verb::UndoToOlder | Verb::ChangeTemplate => 5,
        Verb::Restart => 6,
        Verb::Pause | Verb::Unpause => 7,
        Verb::EditSteps => 8,
        Verb::Scale => 9,
        Verb::Delete => 10,
    }
}
