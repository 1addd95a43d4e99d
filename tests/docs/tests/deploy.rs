//! The files for operators: what can be checked of them without systemd and Docker.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use basalt_e2e::Node;
use yaml_rust2::{Yaml, YamlLoader};

fn root() -> PathBuf {
    let manifest = std::env::var_os("CARGO_MANIFEST_DIR").expect("cargo says where this crate is");
    Path::new(&manifest).join("../..")
}

fn text(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// What `basalt … --help` lists, hidden flags not included.
fn flags_of(command: &[String]) -> BTreeSet<String> {
    let arguments: Vec<&str> = command.iter().map(String::as_str).chain(["--help"]).collect();
    let exit = Node::run(&arguments);
    assert_eq!(exit.code, Some(0), "{command:?}: {}", exit.output);
    flags(&exit.output)
}

/// All flags in a text: `--name`, whatever is around them.
fn flags(text: &str) -> BTreeSet<String> {
    let is_part = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    text.split(|c: char| !is_part(c))
        .filter(|word| word.starts_with("--") && word[2..].starts_with(|c: char| c.is_ascii_lowercase()))
        .map(str::to_owned)
        .collect()
}

/// The commands of ours in a line: what follows the program's name up to a comment, a pipe or the next command.
fn commands(line: &str) -> Vec<Vec<String>> {
    let mut commands = Vec::new();
    let mut words = line.split_whitespace().peekable();
    while let Some(word) = words.next() {
        if word.trim_matches('`') != "basalt" {
            continue;
        }
        let mut command = Vec::new();
        while let Some(word) = words.next_if(|word| !matches!(*word, "#" | "|" | "&&" | "basalt")) {
            let ends = word.ends_with(';') || word.ends_with('`');
            command.push(word.trim_matches([';', '`', '(', ')', ',']).to_owned());
            if ends {
                break;
            }
        }
        commands.push(command);
    }
    commands
}

/// Checks that the program knows each flag of a command. Flags after `--` are those of a node.
fn check(command: &[String], what: &str) {
    let (own, nodes) = match command.iter().position(|word| word == "--") {
        Some(at) => (&command[..at], &command[at..]),
        None => (command, &[][..]),
    };
    let is_name =
        |word: &&String| word.chars().all(|c| c.is_ascii_lowercase() || c == '-') && !word.starts_with('-');
    let most: Vec<String> = own.iter().take_while(is_name).cloned().collect();
    // The last words may be arguments, such as the name of a node.
    let known = (0..=most.len()).rev().find(|length| {
        let help: Vec<&str> = most[..*length].iter().map(String::as_str).chain(["--help"]).collect();
        *length == 0
            || Node::run(&help).output.contains(&format!("Usage: basalt {}", most[..*length].join(" ")))
    });
    let subcommand = &most[..known.unwrap_or(0)];
    for (words, help) in [(own, subcommand), (nodes, &[][..])] {
        let wanted = flags(&words.join(" "));
        if wanted.is_empty() {
            continue;
        }
        let there = flags_of(help);
        for flag in wanted {
            assert!(there.contains(&flag), "{what}: `basalt {}` has no {flag}: {command:?}", help.join(" "));
        }
    }
}

#[test]
fn the_program_has_every_flag_that_operators_are_told_of() {
    let mut checked = 0;
    for file in ["docs/deploy.md", "deploy/Dockerfile", "deploy/compose.yaml", "deploy/basalt.service"] {
        for line in text(file).lines() {
            for command in commands(line) {
                check(&command, file);
                checked += 1;
            }
        }
    }
    assert!(checked > 20, "only {checked} commands were found");

    // Flags by themselves, in tables and sentences.
    let known: BTreeSet<String> =
        flags_of(&[]).into_iter().chain(flags_of(&["localnet".to_owned()])).collect();
    let page = text("docs/deploy.md");
    let alone = page.split('`').filter(|span| span.starts_with("--") && !span.contains('\n'));
    for flag in alone.flat_map(flags) {
        assert!(known.contains(&flag), "docs/deploy.md: there is no {flag}");
    }
}

#[test]
fn the_unit_starts_the_program_with_flags_that_it_has() {
    let unit = text("deploy/basalt.service");
    let mut section = "";
    let mut seen = BTreeSet::new();
    for line in unit.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            section = name;
            assert!(["Unit", "Service", "Install"].contains(&name), "[{name}]");
            continue;
        }
        let (key, value) =
            line.split_once('=').unwrap_or_else(|| panic!("neither a section nor a setting: {line}"));
        assert!(key.chars().all(|c| c.is_ascii_alphanumeric()), "{line}");
        seen.insert((section, key));
        if key == "ExecStart" {
            let (program, rest) = value.split_once(' ').expect("a program with flags");
            assert_eq!(program, "/usr/local/bin/basalt");
            check(&rest.split(' ').map(str::to_owned).collect::<Vec<_>>(), "ExecStart");
        }
        // Contracts are compiled to machine code: with this they could not be run.
        assert_ne!(key, "MemoryDenyWriteExecute");
    }
    for needed in [
        ("Service", "ExecStart"),
        ("Service", "User"),
        ("Service", "TimeoutStopSec"),
        ("Install", "WantedBy"),
    ] {
        assert!(seen.contains(&needed), "{needed:?} is missing");
    }
}

#[test]
fn the_containers_are_four_validators_that_know_each_other() {
    let documents = YamlLoader::load_from_str(&text("deploy/compose.yaml")).expect("YAML");
    let [compose] = &documents[..] else { panic!("one document") };
    let services = compose["services"].as_hash().expect("services");
    let mut ports = BTreeSet::new();
    let mut keys = BTreeSet::new();
    for (name, service) in services {
        let name = name.as_str().expect("a name");
        let list = |key: &str| -> Vec<String> {
            let items = service[key].as_vec().unwrap_or_else(|| panic!("{name}: no list {key}"));
            items.iter().map(|item| item.as_str().expect("text").to_owned()).collect()
        };
        let command = list("command");
        check(&command, name);
        let value = |flag: &str| {
            let value = command.iter().find_map(|word| word.strip_prefix(&format!("{flag}=")));
            value.unwrap_or_else(|| panic!("{name}: no {flag}")).to_owned()
        };
        assert!(command.contains(&"--validator".to_owned()), "{name}");
        assert_eq!(value("--name"), name);
        assert!(keys.insert(value("--node-key")), "{name}: two nodes with one key");
        let boot = value("--bootnodes");
        let other = boot.split('/').nth(2).expect("/dns/NAME/…");
        assert!(other != name && services.contains_key(&Yaml::String(other.to_owned())), "{name}: {boot}");
        // Only the host itself reaches them.
        let [published] = &list("ports")[..] else { panic!("{name}: one port") };
        assert!(published.starts_with("127.0.0.1:") && published.ends_with(":9944"), "{name}: {published}");
        assert!(ports.insert(published.clone()), "{name}: {published} twice");
        let [volume] = &list("volumes")[..] else { panic!("{name}: one volume") };
        assert_eq!(*volume, format!("{name}:/data"));
        assert!(!compose["volumes"][name].is_badvalue(), "{name}: the volume is not declared");
    }
    assert_eq!(services.len(), 4);
    let health: Vec<String> = compose["x-node"]["healthcheck"]["test"]
        .as_vec()
        .expect("a health check")
        .iter()
        .map(|word| word.as_str().expect("text").to_owned())
        .collect();
    assert_eq!(health[..2], ["CMD", "basalt"]);
    check(&health[2..], "healthcheck");
    for file in ["deploy/Dockerfile", "deploy/basalt.service"] {
        assert!(root().join(file).is_file(), "{file}");
    }
    assert_eq!(compose["x-node"]["build"]["dockerfile"].as_str(), Some("deploy/Dockerfile"));
}

#[test]
fn the_image_is_built_from_what_is_there_and_runs_as_nobody_special() {
    let dockerfile = text("deploy/Dockerfile");
    let instructions: Vec<&str> =
        dockerfile.lines().filter(|line| line.starts_with(|c: char| c.is_ascii_uppercase())).collect();
    let known = [
        "ARG",
        "FROM",
        "RUN",
        "WORKDIR",
        "COPY",
        "USER",
        "ENV",
        "VOLUME",
        "EXPOSE",
        "STOPSIGNAL",
        "ENTRYPOINT",
        "CMD",
    ];
    for line in &instructions {
        assert!(known.contains(&line.split(' ').next().unwrap_or_default()), "{line}");
    }
    let at = |start: &str| {
        instructions.iter().rposition(|line| line.starts_with(start)).unwrap_or_else(|| panic!("no {start}"))
    };
    assert!(at("FROM ") < at("USER basalt") && at("USER basalt") < at("ENTRYPOINT"), "root runs the node");
    // The compiler of the image is the one that the workspace asks for, or newer.
    let manifest = text("Cargo.toml");
    let wanted = manifest.lines().find_map(|line| line.strip_prefix("rust-version = \"")?.strip_suffix('"'));
    let given = dockerfile.lines().find_map(|line| line.strip_prefix("ARG RUST="));
    assert_eq!(given, wanted);
}
