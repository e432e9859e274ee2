//! What the documentation shows as this example's code is this example's code.
#![allow(clippy::unwrap_used)]

use std::path::Path;

const BEFORE: &str = "<!-- from ";

/// The blocks that follow `<!-- from PATH -->`, with their paths.
fn excerpts(markdown: &str) -> Vec<(&str, Vec<&str>)> {
    let mut found = Vec::new();
    let mut lines = markdown.lines();
    while let Some(line) = lines.next() {
        let Some(path) = line.strip_prefix(BEFORE) else { continue };
        let path = path.strip_suffix(" -->").expect("<!-- from PATH --> alone on its line");
        assert!(lines.next().is_some_and(|line| line.starts_with("```")), "no block after {line}");
        found.push((path, lines.by_ref().take_while(|line| !line.starts_with("```")).collect()));
    }
    found
}

/// Whether the lines stand in the text one after the other, all shifted by the same indentation.
fn contains(text: &str, excerpt: &[&str]) -> bool {
    let text: Vec<&str> = text.lines().collect();
    let first = excerpt[0];
    text.windows(excerpt.len()).any(|window| {
        window[0].strip_suffix(first).filter(|indent| indent.trim().is_empty()).is_some_and(|indent| {
            window.iter().zip(excerpt).all(|(line, wanted)| match *wanted {
                "" => line.is_empty(),
                wanted => line.strip_prefix(indent) == Some(wanted),
            })
        })
    })
}

#[test]
fn excerpts_in_the_documentation_are_the_code() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let markdown = std::fs::read_to_string(root.join("docs/canary-aware-apps.md")).unwrap();
    let excerpts = excerpts(&markdown);
    assert!(excerpts.len() >= 5, "{} excerpts found", excerpts.len());
    for (path, excerpt) in excerpts {
        let text = std::fs::read_to_string(root.join(path)).unwrap_or_else(|error| panic!("{path}: {error}"));
        assert!(contains(&text, &excerpt), "not in {path}:\n{}", excerpt.join("\n"));
    }
}

#[test]
fn the_comparison_can_fail() {
    let text = "fn f() {\n    if a {\n\n        b();\n    }\n}\n";
    assert!(contains(text, &["if a {", "", "    b();", "}"]));
    assert!(!contains(text, &["if a {", "", "b();", "}"]), "another shape");
    assert!(!contains(text, &["if a {", "    b();", "}"]), "a line left out");
    assert!(!contains(text, &["a {"]), "a part of a line");
}
