//! Follow the tutorials word by word, and run what they build.
//!
//! # Responsibility
//!
//! - [`files`] and [`insertions`] read from a page what it tells the reader to write.
//! - [`script`] reads what it tells the reader to type, and what that prints.
//!
//! The tests copy the workspace, do what the page says, and run the commands that it names.
//!
//! # Out of scope
//!
//! Whether links and tables are right: `xtask tidy`.

pub mod script;

/// A file that a page tells the reader to write.
#[derive(Debug, PartialEq, Eq)]
pub struct File {
    /// Where, from the root of the repository.
    pub path: String,
    /// What.
    pub content: String,
}

/// A line that a page tells the reader to add.
#[derive(Debug, PartialEq, Eq)]
pub struct Insertion {
    /// To which file, from the root of the repository.
    pub path: String,
    /// Below the first line that contains this.
    pub below: String,
    /// What.
    pub line: String,
}

/// The files of a page: each code block after a sentence that ends in "File `path`:".
pub fn files(page: &str) -> Vec<File> {
    let mut files = Vec::new();
    let mut lines = page.lines();
    while let Some(line) = lines.next() {
        let Some(path) = line.rsplit_once("File `").and_then(|(_, rest)| rest.strip_suffix("`:")) else {
            continue;
        };
        let content: Vec<&str> = lines
            .by_ref()
            .skip_while(|line| !line.starts_with("```"))
            .skip(1)
            .take_while(|line| !line.starts_with("```"))
            .collect();
        files.push(File { path: path.to_owned(), content: content.join("\n") + "\n" });
    }
    files
}

/// The insertions of a page: rows of three cells in backticks.
pub fn insertions(page: &str) -> Vec<Insertion> {
    page.lines()
        .filter_map(|line| {
            let cells: Vec<&str> = line.strip_prefix("| `")?.strip_suffix("` |")?.split("` | `").collect();
            let [path, below, line] = cells.try_into().ok()?;
            Some(Insertion { path: path.to_owned(), below: below.to_owned(), line: line.to_owned() })
        })
        .collect()
}
