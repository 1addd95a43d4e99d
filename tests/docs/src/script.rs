//! The commands of a page, and what it says they print.

/// A block of commands, and the lines that the page shows as their output.
#[derive(Debug, PartialEq, Eq)]
pub struct Step {
    /// What to type.
    pub commands: String,
    /// What is printed, if the page says so; `…` stands for anything.
    pub printed: Vec<String>,
}

/// The steps of a page: each `sh` block, with the `text` block that follows it before the next one.
pub fn steps(page: &str) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    let mut lines = page.lines();
    while let Some(line) = lines.next() {
        let Some(kind @ ("sh" | "text")) = line.strip_prefix("```") else { continue };
        let block: Vec<String> =
            lines.by_ref().take_while(|line| !line.starts_with("```")).map(str::to_owned).collect();
        match (kind, steps.last_mut()) {
            ("text", Some(step)) => step.printed = block,
            _ => steps.push(Step { commands: block.join("\n"), printed: Vec::new() }),
        }
    }
    steps
}

/// Whether a line is what the page shows: pieces between `…` occur in their order, from the beginning to the end.
pub fn is_like(shown: &str, line: &str) -> bool {
    let mut pieces = shown.split('…');
    let first = pieces.next().unwrap_or_default();
    let Some(mut rest) = line.strip_prefix(first) else { return false };
    let mut pieces = pieces.peekable();
    if pieces.peek().is_none() {
        return rest.is_empty();
    }
    while let Some(piece) = pieces.next() {
        if pieces.peek().is_none() {
            return rest.ends_with(piece);
        }
        match rest.find(piece) {
            Some(at) => rest = &rest[at + piece.len()..],
            None => return false,
        }
    }
    true
}

/// The first line that the page shows and that was not printed, after those before it.
pub fn missing<'a>(shown: &'a [String], printed: &str) -> Option<&'a str> {
    let mut lines = printed.lines();
    shown.iter().map(String::as_str).find(|shown| !lines.any(|line| is_like(shown, line)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_and_their_output_belong_together() {
        let page = "a\n```sh\none\ntwo\n```\nb\n```text\nx …\n```\n```js\nno\n```\n```sh\nthree\n```\n";
        let [first, second] = &steps(page)[..] else { panic!("two steps") };
        assert_eq!((first.commands.as_str(), &first.printed[..]), ("one\ntwo", &["x …".to_owned()][..]));
        assert_eq!((second.commands.as_str(), second.printed.len()), ("three", 0));
    }

    #[test]
    fn dots_stand_for_anything() {
        assert!(is_like("a … c", "a b c") && is_like("…", "") && is_like("a", "a"));
        assert!(!is_like("a … c", "a b d") && !is_like("a", "ab") && !is_like("… b … c", "c b"));
        let shown = ["b".to_owned(), "d …".to_owned()];
        assert_eq!(missing(&shown, "a\nb\nc\nd e"), None);
        // In another order.
        assert_eq!(missing(&shown, "d e\nb"), Some("d …"));
    }
}
