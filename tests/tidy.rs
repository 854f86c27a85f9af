//! The habits of this code base, kept by a test: where files go, how long they get, what they must say.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::{
    fs,
    path::{Path, PathBuf},
};

/// The most lines a file may have, tests not counted.
const LONGEST: usize = 600;
const MEDIAN: usize = 200;
const NINETIETH: usize = 400;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// Every Rust file of the workspace, with its path from the root.
fn sources() -> Vec<(String, String)> {
    fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            let name = entry.file_name().unwrap().to_string_lossy().into_owned();
            if entry.is_dir() && name != "target" && !name.starts_with('.') {
                walk(&entry, found);
            } else if entry.extension().is_some_and(|of| of == "rs") {
                found.push(entry);
            }
        }
    }
    let mut paths = Vec::new();
    walk(&root(), &mut paths);
    paths.sort();
    let read = |path: PathBuf| {
        let name = path.strip_prefix(root()).unwrap().to_string_lossy().into_owned();
        (name, fs::read_to_string(&path).unwrap())
    };
    paths.into_iter().map(read).collect()
}

/// Whether the file is a test, an example or a bench as a whole.
fn is_test(name: &str) -> bool {
    let folders = ["/tests/", "/benches/", "/tests.rs", "/compile_fail/", "/tests_"];
    name.starts_with("tests/")
        || name.starts_with("examples/")
        || folders.iter().any(|folder| name.contains(folder))
}

/// The text without its inline tests.
fn without_tests(text: &str) -> &str {
    text.find("#[cfg(test)]\nmod tests").map_or(text, |at| &text[..at])
}

fn report(what: &str, problems: &[String]) {
    assert!(problems.is_empty(), "{what}:\n  {}", problems.join("\n  "));
}

#[test]
fn the_top_level_is_fixed() {
    let allowed = [
        "Cargo.toml",
        "Cargo.lock",
        "README.md",
        "infra-core",
        "infra-aws",
        "infra-kubernetes",
        "examples",
        "state",
        "tests",
        "target",
    ];
    let entries = fs::read_dir(root()).unwrap().map(|entry| entry.unwrap().file_name());
    let strange = entries.map(|name| name.to_string_lossy().into_owned());
    let strange =
        strange.filter(|name| !name.starts_with('.') && !allowed.contains(&name.as_str()));
    report("not part of the layout", &strange.collect::<Vec<_>>());
}

#[test]
fn files_hold_one_idea() {
    let mut problems = Vec::new();
    let mut sizes = Vec::new();
    for (name, text) in sources() {
        if is_test(&name) {
            continue;
        }
        let lines = without_tests(&text).lines().count();
        sizes.push(lines);
        if lines > LONGEST {
            problems.push(format!("{name} has {lines} lines, {LONGEST} are the most: split it"));
        }
        let stem = Path::new(&name).file_stem().unwrap().to_string_lossy().into_owned();
        if ["utils", "util", "helpers", "helper", "common", "misc", "manager"]
            .contains(&stem.as_str())
        {
            problems.push(format!("{name}: a name that says nothing; name the idea"));
        }
    }
    sizes.sort_unstable();
    let (median, ninetieth) = (sizes[sizes.len() / 2], sizes[sizes.len() * 9 / 10]);
    if median > MEDIAN || ninetieth > NINETIETH {
        problems.push(format!(
            "median {median} (at most {MEDIAN}), 90th percentile {ninetieth} (at most {NINETIETH})"
        ));
    }
    report("files that grew past one idea", &problems);
}

#[test]
fn every_file_says_what_it_is() {
    let silent = sources().into_iter().filter(|(name, text)| {
        // What must not compile is read by the compiler only.
        !name.contains("compile_fail") && !text.starts_with("//!") && !text.starts_with("#![doc")
    });
    report("files without `//!` at their top", &silent.map(|(name, _)| name).collect::<Vec<_>>());
}

#[test]
fn modules_only_explain_and_re_export() {
    let mut problems = Vec::new();
    for (name, text) in sources() {
        if !(name.ends_with("/mod.rs") || name.ends_with("/lib.rs"))
            || is_test(&name)
            || name.contains("macros/")
        {
            continue;
        }
        for line in without_tests(&text).lines() {
            if line.starts_with("fn ") || line.starts_with("pub fn ") || line.starts_with("impl") {
                problems.push(format!("{name}: `{line}` belongs in a file of its own"));
            }
        }
    }
    report("logic in mod.rs or lib.rs", &problems);
}

#[test]
fn nothing_is_left_undone() {
    // Put together here, so that this file does not find itself.
    let marks = [
        ["to", "do!("],
        ["unimple", "mented!("],
        ["#[ig", "nore]"],
        ["```ig", "nore"],
        ["FIX", "ME"],
    ];
    let mut problems = Vec::new();
    for (name, text) in sources() {
        for mark in marks.map(|parts| parts.concat()) {
            if text.contains(&mark) {
                problems.push(format!("{name} contains `{mark}`"));
            }
        }
    }
    report("work left undone", &problems);
}

#[test]
fn every_aws_resource_is_in_its_service_list() {
    let mut problems = Vec::new();
    let mut resources = 0;
    for (name, text) in sources() {
        let Some(rest) = name.strip_prefix("infra-aws/src/") else { continue };
        let Some((service, _)) = rest.split_once('/') else { continue };
        if !text.contains("#[derive(Resource") || !text.contains(" Managed for ") {
            continue;
        }
        let list =
            fs::read_to_string(root().join(format!("infra-aws/src/{service}/mod.rs"))).unwrap();
        let list = list.split_once("kinds!").map_or("", |(_, list)| list);
        for line in text.lines() {
            let Some(kind) = line.strip_prefix("impl Managed for ") else { continue };
            let kind = kind.trim_end_matches(" {");
            resources += 1;
            let words = list.split(|c: char| !c.is_alphanumeric());
            if !words.into_iter().any(|word| word == kind) {
                problems.push(format!(
                    "infra-aws/src/{service}/mod.rs: the word `{kind}` is missing in `kinds!`"
                ));
            }
        }
    }
    report("resources that no program would know", &problems);
    assert!(
        resources >= 40,
        "only {resources} resources found: this test looks in the wrong place"
    );
}
