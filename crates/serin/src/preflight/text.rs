//! What was found, for people.

use std::fmt::Write as _;

use super::Checked;

impl Checked {
    /// One paragraph for each finding, the errors first.
    pub fn text(&self) -> String {
        let Self { namespace, name, errors, warnings, .. } = self;
        let mut text = match (errors, warnings) {
            (0, 0) => format!("Rollout {namespace}/{name}: nothing is wrong\n"),
            _ => format!(
                "Rollout {namespace}/{name}: {}, {}\n",
                counted(*errors, "error"),
                counted(*warnings, "warning")
            ),
        };
        for finding in &self.findings {
            let _ = write!(
                text,
                "\n{:?} {}\n  {}, {}\n  {}: {}\n",
                finding.severity,
                finding.kind.name,
                finding.object,
                finding.field,
                finding.problem,
                finding.fix
            );
        }
        if !self.unseen.is_empty() {
            text += "\nNot checked\n";
            for unseen in &self.unseen {
                let _ = writeln!(text, "  {}: {}", unseen.what, unseen.why);
            }
        }
        text
    }
}

/// So many of them.
pub fn counted(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}
