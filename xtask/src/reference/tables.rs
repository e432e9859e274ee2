//! Tables in Markdown.

/// What a table of fields says of each, besides its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Column {
    /// Its type.
    Type,
    /// What it is when it is left out, or that it may not be.
    Default,
    /// Which values are accepted.
    Limits,
    /// What it is for.
    Meaning,
}

impl Column {
    /// The column's head.
    pub fn title(self) -> &'static str {
        match self {
            Self::Type => "Type",
            Self::Default => "Default",
            Self::Limits => "Limits",
            Self::Meaning => "Meaning",
        }
    }
}

/// Rows under heads.
pub struct Table {
    heads: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A table; every row has one cell for each head.
    pub fn new(heads: &[&str], rows: Vec<Vec<String>>) -> Self {
        Self { heads: heads.iter().map(|head| (*head).to_owned()).collect(), rows }
    }

    /// The table as lines of Markdown.
    pub fn render(&self) -> String {
        let rule: Vec<_> = self.heads.iter().map(|_| "---".to_owned()).collect();
        [&self.heads, &rule].into_iter().chain(&self.rows).map(|cells| line(cells)).collect()
    }
}

fn line(cells: &[String]) -> String {
    let cell = |text: &String| match text.replace('|', r"\|") {
        empty if empty.is_empty() => " |".to_owned(),
        text => format!(" {text} |"),
    };
    format!("|{}\n", cells.iter().map(cell).collect::<String>())
}
