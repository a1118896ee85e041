//! Commands as documents show them, and whether what they print is what is shown.
//!
//! In a block of `console`, a line that begins with `$ ` is a command (which a `\` at its end continues); those below it
//! are what it prints. A line `…` stands for any lines, a `…` within one for anything.

/// A command and what it shall print.
#[derive(Default)]
struct Recipe {
    command: String,
    output: Vec<String>,
}

/// All commands of a document, in their order.
fn recipes(text: &str) -> Vec<Recipe> {
    let mut recipes: Vec<Recipe> = Vec::new();
    let mut in_console = false;
    for line in text.lines() {
        if line.starts_with("```") {
            in_console = line == "```console";
        } else if in_console {
            match (line.strip_prefix("$ "), recipes.last_mut()) {
                (Some(command), _) => recipes.push(Recipe { command: command.to_owned(), output: Vec::new() }),
                (None, Some(recipe)) if recipe.output.is_empty() && recipe.command.ends_with('\\') => {
                    recipe.command.push('\n');
                    recipe.command.push_str(line);
                }
                (None, Some(recipe)) => recipe.output.push(line.to_owned()),
                (None, None) => panic!("output without a command: {line}"),
            }
        }
    }
    recipes
}

/// Whether `text` is `pattern`, in which `…` stands for anything.
fn fits(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('…');
    let Some(mut rest) = parts.next().and_then(|first| text.strip_prefix(first)) else { return false };
    let mut open = false;
    for part in parts {
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
        open = part.is_empty();
    }
    open || rest.is_empty()
}

/// Runs each command of `document`, in its order, by `run`, which says what it prints. What isn't as it is shown.
pub(crate) fn failures(document: &str, run: impl Fn(&str) -> String) -> String {
    let mut failures = String::new();
    for Recipe { command, output } in recipes(document) {
        let text = run(&command);
        if !fits_all(&output, &text) {
            failures += &format!("$ {command}\nprinted\n{text}instead of\n{}\n\n", output.join("\n"));
        }
    }
    failures
}

/// Whether `text` is what is `wanted`.
fn fits_all(wanted: &[String], text: &str) -> bool {
    let mut lines = text.lines();
    let mut any = false;
    let all = wanted.iter().all(|want| match want.trim() {
        "…" => {
            any = true;
            true
        }
        _ if std::mem::take(&mut any) => lines.any(|line| fits(want, line)),
        _ => lines.next().is_some_and(|line| fits(want, line)),
    });
    all && (any || lines.next().is_none())
}

#[test]
fn a_pattern_fits_with_anything_in_its_gaps() {
    assert!(fits("a … c", "a b c") && fits("…", "") && fits("a…", "abc") && fits("abc", "abc"));
    assert!(!fits("a … c", "a b d") && !fits("a", "ab") && !fits("b…", "ab"));
}
