//! Every check finds a planted violation, and the repository has none.

use super::workspace::{Member, Workspace, check_manifest, check_sources};
use super::{ThirdParty, files, layers, licences, parse_tree, readme};

/// Crates given as (name, folder, dependencies).
fn workspace(members: &[(&str, &str, &[&str])], third_party: &[(&str, &[&str])]) -> Workspace {
    let set = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    Workspace {
        members: members
            .iter()
            .map(|(name, folder, dependencies)| {
                let folder = (*folder).to_owned();
                ((*name).to_owned(), Member { folder, dependencies: set(dependencies), ..Member::default() })
            })
            .collect(),
        third_party: third_party.iter().map(|(name, needs)| ((*name).to_owned(), set(needs))).collect(),
        sources: Vec::new(),
    }
}

#[test]
fn the_repository_is_tidy() {
    let report = super::check(&super::repository_root().unwrap()).unwrap();
    assert!(report.problems.is_empty(), "\n{}", report.problems.join("\n"));
}

#[test]
fn a_pallet_that_reaches_the_database_through_another_crate_is_found_with_the_way_there() {
    let planted = workspace(
        &[("basalt-pallet-x", "pallets/x", &["helper"]), ("basalt-db", "node/db", &["rocksdb"])],
        &[("helper", &["rocksdb"]), ("rocksdb", &[])],
    );
    let problems = layers::check(&planted);
    assert!(problems.iter().all(|problem| problem.starts_with("basalt-pallet-x must not depend on rocksdb")));
    assert!(problems[0].contains("basalt-pallet-x → helper → rocksdb"), "{problems:?}");
}

#[test]
fn the_pool_and_the_executor_may_know_the_door_but_not_the_chain_behind_it() {
    let members = [
        ("basalt-runtime-api", "runtime/api", &[] as &[&str]),
        ("basalt-runtime", "runtime", &["basalt-runtime-api", "basalt-pallet-system"]),
        ("basalt-pallet-system", "pallets/system", &[]),
        ("basalt-pool", "node/pool", &["basalt-runtime-api"]),
        ("basalt-executor", "runtime/executor", &["basalt-runtime-api"]),
        ("basalt-node", "node", &["basalt-runtime", "basalt-pool"]),
    ];
    assert_eq!(layers::check(&workspace(&members, &[])), Vec::<String>::new());

    for culprit in [3, 4] {
        let mut planted = members;
        planted[culprit].2 = &["basalt-runtime"];
        let problems = layers::check(&workspace(&planted, &[]));
        let about =
            |what: &str| problems.iter().any(|p| p.starts_with(planted[culprit].0) && p.contains(what));
        assert!(about("basalt-runtime:") && about("basalt-pallet-system:"), "{problems:#?}");
    }
}

#[test]
fn only_the_database_crate_names_rocksdb_and_only_node_and_tests_name_the_runtime() {
    let planted = workspace(
        &[
            ("basalt-chain", "node/chain", &["rocksdb", "basalt-runtime"]),
            ("basalt-runtime", "runtime", &[]),
            ("basalt-e2e", "tests/e2e", &["basalt-runtime"]),
        ],
        &[("rocksdb", &[])],
    );
    let problems = layers::check(&planted);
    assert!(problems.iter().any(|p| p.starts_with("basalt-chain must not name rocksdb")));
    assert!(problems.iter().any(|p| p.starts_with("basalt-chain must not name basalt-runtime")));
    assert!(!problems.iter().any(|p| p.contains("basalt-e2e")), "{problems:#?}");
}

#[test]
fn what_only_tests_need_does_not_count_as_a_dependency() {
    let workspace = Workspace::read(&super::repository_root().unwrap()).unwrap();
    let tree = &workspace.members["basalt-tree"].dependencies;
    assert!(tree.contains("blake2b_simd") && !tree.contains("jmt"), "{tree:?}");
}

#[test]
fn licences_are_read_as_spdx_expressions() {
    for good in [
        "MIT",
        "MIT OR Apache-2.0",
        "MIT/Apache-2.0",
        "GPL-3.0 OR MIT",
        "(MIT OR GPL-2.0-only) AND Unicode-3.0",
        "Apache-2.0 WITH LLVM-exception",
        "GPL-3.0 AND LGPL-3.0 OR ISC",
    ] {
        assert!(licences::is_allowed(good), "{good}");
    }
    for bad in [
        "",
        "GPL-3.0-or-later",
        "MIT AND GPL-3.0",
        "(MIT OR Apache-2.0) AND MPL-2.0",
        "GPL-3.0 WITH Classpath-exception-2.0",
        "MIT WITH Strange-exception",
        "MIT OR",
        "(MIT",
        "MIT Apache-2.0",
        "Apache-2.0 AND (GPL-3.0 OR AGPL-3.0)",
    ] {
        assert!(!licences::is_allowed(bad), "{bad}");
    }
}

#[test]
fn a_copyleft_crate_in_the_node_is_refused_and_ours_are_not_judged() {
    let tree = "basalt-node v0.1.0 (/work/node)|GPL-3.0\n\
                serde_derive v1.0.0 (proc-macro)|MIT OR Apache-2.0\n\
                smoldot v1.0.0|GPL-3.0-or-later WITH Classpath-exception-2.0\n\
                smoldot v1.0.0|GPL-3.0-or-later WITH Classpath-exception-2.0 (*)\n";
    let crates = parse_tree(tree);
    assert_eq!(
        crates.iter().map(|c| c.name.as_str()).collect::<Vec<_>>(),
        ["serde_derive v1.0.0", "smoldot v1.0.0"]
    );
    let problems = licences::check(&crates);
    assert_eq!(problems.len(), 1);
    assert!(problems[0].starts_with("smoldot v1.0.0 has the licence `GPL-3.0-or-later"), "{problems:?}");
    assert_eq!(licences::check(&[ThirdParty { name: "x v1".into(), licence: String::new() }]).len(), 1);
}

#[test]
fn the_list_of_licences_is_the_one_of_deny_toml() {
    let deny = std::fs::read_to_string(super::repository_root().unwrap().join("deny.toml")).unwrap();
    let list = deny.split("[licenses]").nth(1).and_then(|rest| rest.split(']').next()).unwrap();
    let listed: Vec<&str> = list.split('"').skip(1).step_by(2).collect();
    assert_eq!(listed, licences::ALLOWED);
}

#[test]
fn a_crate_from_git_or_another_registry_is_refused() {
    let mut planted = workspace(&[], &[]);
    planted.sources = vec![
        ("good 1.0.0".into(), "registry+https://github.com/rust-lang/crates.io-index".into()),
        ("bad 1.0.0".into(), "git+https://example.org/bad".into()),
        ("odd 1.0.0".into(), "registry+https://example.org/index".into()),
    ];
    let problems = check_sources(&planted);
    assert_eq!(problems.len(), 2);
    assert!(problems[0].starts_with("bad 1.0.0") && problems[1].starts_with("odd 1.0.0"));
}

#[test]
fn a_version_outside_of_the_root_manifest_is_found() {
    let lints = "[lints]\nworkspace = true\n";
    for good in [
        "[dependencies]\nserde.workspace = true\ntokio = { workspace = true, features = [\"fs\"] }\n",
        "[package]\nversion = \"1\"\n[dependencies]\n# serde = \"1\"\n",
        "[dependencies.tokio]\nworkspace = true\nfeatures = [\"fs\"]\n",
    ] {
        assert_eq!(check_manifest("x/Cargo.toml", &format!("{lints}{good}")), Vec::<String>::new(), "{good}");
    }
    for bad in [
        "[dependencies]\nserde = \"1\"\n",
        "[dev-dependencies]\nserde = { version = \"1\", features = [] }\n",
        "[target.'cfg(unix)'.dependencies]\nlibc = \"0.2\"\n",
        "[dependencies]\nx = { git = \"https://example.org\" }\n",
        "[dependencies]\nx = { path = \"../x\" }\n",
        "[build-dependencies.cc]\nversion = \"1\"\n",
    ] {
        assert_eq!(check_manifest("x/Cargo.toml", &format!("{lints}{bad}")).len(), 1, "{bad}");
    }
    assert_eq!(check_manifest("x/Cargo.toml", "[dependencies]\n").len(), 1, "the lints are not inherited");
    let own = "[lints.rust]\nunsafe_code = \"deny\"\n";
    assert_eq!(check_manifest("x/Cargo.toml", own).len(), 1, "it may not say `unsafe`");
    assert!(check_manifest("contracts/vm/Cargo.toml", own).is_empty());
}

#[test]
fn the_table_of_crates_is_found_among_other_tables() {
    let markdown = "| a | b |\n|---|---|\n| `node/pool` | Hold valid transactions. |\n| `make run` | starts a chain |\n\
                    | [`x`](x) | Link. |\n| `rpc/` | Answer requests. | more |\n";
    let table = readme::crate_table(markdown);
    assert_eq!(
        table.into_iter().collect::<Vec<_>>(),
        [("node/pool", "Hold valid transactions."), ("rpc", "Answer requests.")]
    );
}

#[test]
fn a_description_is_one_sentence_that_begins_with_a_verb() {
    assert_eq!(readme::check_sentence("Hold valid transactions, and offer the best next."), None);
    assert_eq!(readme::check_sentence("Process blocks."), None);
    for bad in
        ["", "The pool.", "holds transactions.", "Holds transactions.", "Holding them.", "Hold. And offer."]
    {
        assert!(readme::check_sentence(bad).is_some(), "{bad}");
    }
    assert!(readme::check_sentence("Hold valid transactions").is_some(), "a sentence ends with a full stop");
    assert_eq!(readme::first_doc_line("//! Hold them.\n//!\n"), "Hold them.");
    assert_eq!(
        readme::first_doc_line("#![no_std]\n//! Hold them.\n"),
        "",
        "nothing stands above the documentation"
    );
}

#[test]
fn leftovers_are_found_as_words() {
    let macro_call = format!("    {}{}\"later\")", "todo", "!(");
    let comment = format!("// {}{}: later", "FIX", "ME");
    let part_of_a_word = format!("let {}{}Y = 1;", "XX", "X");
    let text = format!("fn f() {{}}\n{macro_call}\n{comment}\n{part_of_a_word}\n");
    let problems = files::check_leftovers("a.rs", &text);
    assert_eq!(problems.len(), 2, "{problems:?}");
    assert!(problems[0].starts_with("a.rs:2 ") && problems[1].starts_with("a.rs:3 "));
    assert!(files::check_leftovers("a.md", &text).is_empty(), "prose may talk about them");
}

#[test]
fn links_to_missing_files_are_found_and_code_is_not_read_as_links() {
    let text = "[a](Cargo.toml) [b](missing.md#part) [c](https://example.org/x) [d](#here) `[e](code.md)`\n\
                ```\n[f](fenced.md)\n```\n[`g`](also-missing.md)\n";
    assert_eq!(files::links(text), [(1, "Cargo.toml"), (1, "missing.md"), (5, "also-missing.md")]);
    let root = super::repository_root().unwrap();
    let problems = files::check_links(&root, "x.md", text);
    assert_eq!(problems.len(), 2);
    assert!(problems[0].starts_with("x.md:1 links to `missing.md`"), "{problems:?}");
}

#[test]
fn a_long_source_file_is_noted() {
    assert!(files::check_length("a.rs", &"x\n".repeat(801)).is_some());
    assert!(files::check_length("a.rs", &"x\n".repeat(800)).is_none());
    assert!(files::check_length("data.json", &"x\n".repeat(9000)).is_none());
}
