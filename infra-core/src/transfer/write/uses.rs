//! What a program imports.

use std::collections::{BTreeMap, BTreeSet};

/// Names that a program has without importing them one by one: of the language, and of the engine's prelude.
const KNOWN: &[&str] = &[
    "App",
    "BTreeMap",
    "Box",
    "Data",
    "Declaration",
    "Dependable",
    "Duration",
    "Error",
    "ErrorKind",
    "ExitCode",
    "Handle",
    "IntoInput",
    "None",
    "Ok",
    "Option",
    "Output",
    "ProviderHandle",
    "Reference",
    "ResourceExt",
    "Result",
    "Secret",
    "Self",
    "Sensitive",
    "Some",
    "Stack",
    "StackReference",
    "String",
    "Vec",
    "core",
    "std",
    "stack",
];

/// Types of the engine's prelude by their paths.
const PRELUDE: &[&str] = &["infra_core::secret::Secret", "infra_core::reference::StackReference"];

/// What a program imports so far.
#[derive(Default)]
pub(super) struct Uses {
    /// The first name that is written, and what it stands for.
    names: BTreeMap<String, String>,
    macros: BTreeSet<String>,
}

impl Uses {
    /// Nothing is imported, and these names are the program's own.
    pub(super) fn beside<'a>(own: impl IntoIterator<Item = &'a str>) -> Self {
        let known = KNOWN.iter().copied().chain(own);
        Self {
            names: known.map(|name| (name.to_owned(), String::new())).collect(),
            macros: BTreeSet::new(),
        }
    }

    /// The names that a program has anyhow.
    pub(super) fn known() -> impl Iterator<Item = &'static str> {
        KNOWN.iter().copied()
    }

    /// How the type with this path is written: types of a service with its module, `ec2::Subnet`; those that services share,
    /// and those of the crate itself, by their name.
    pub(super) fn ty(&mut self, path: &str) -> String {
        let segments: Vec<&str> = path.split("::").collect();
        if PRELUDE.contains(&path) {
            return segments.last().copied().unwrap_or_default().to_owned();
        }
        let (import, shown) = match segments[..] {
            ["infra_core", "state", name] => (path.to_owned(), name.to_owned()),
            [krate, module, name] if module != "types" => {
                (format!("{krate}::{module}"), format!("{module}::{name}"))
            }
            [.., name] if segments.len() > 1 => (path.to_owned(), name.to_owned()),
            _ => return path.to_owned(),
        };
        let first = shown.split("::").next().unwrap_or_default().to_owned();
        let bound = self.names.entry(first).or_insert_with(|| import.clone());
        if *bound == import { shown } else { path.to_owned() }
    }

    /// How the macro with this path is written, without its `!`.
    pub(super) fn macro_(&mut self, path: &str) -> String {
        self.macros.insert(path.to_owned());
        path.rsplit("::").next().unwrap_or(path).to_owned()
    }

    /// The `use` items.
    pub(super) fn items(&self, std: &[&str]) -> String {
        let mut crates: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        let own = self.names.values().map(String::as_str).filter(|path| !path.is_empty());
        for path in own.chain(self.macros.iter().map(String::as_str)) {
            let (krate, rest) = path.split_once("::").unwrap_or((path, ""));
            crates.entry(krate).or_default().insert(rest);
        }
        let standard = tree("std", &std.iter().copied().collect());
        let mut text = format!("{standard}\n");
        crates.entry("infra_core").or_default().extend(["App", "prelude::*"]);
        for (krate, paths) in &crates {
            text.push_str(&tree(krate, paths));
        }
        text
    }
}

/// One `use` of everything from one crate; `types::A` and `types::B` share their braces.
fn tree(krate: &str, paths: &BTreeSet<&str>) -> String {
    let mut modules: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for path in paths {
        match path.split_once("::") {
            Some((module, name)) => modules.entry(module).or_default().push(name),
            None => modules.entry(path).or_default().push(""),
        }
    }
    let mut parts = Vec::new();
    for (module, names) in &modules {
        let names: Vec<_> =
            names.iter().map(|name| if name.is_empty() { "self" } else { name }).collect();
        parts.push(match names[..] {
            ["self"] => (*module).to_owned(),
            [name] => format!("{module}::{name}"),
            _ => format!("{module}::{{{}}}", names.join(", ")),
        });
    }
    parts.sort();
    match &parts[..] {
        [] => String::new(),
        [one] => format!("use {krate}::{one};\n"),
        _ => format!("use {krate}::{{{}}};\n", parts.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_imported_is_as_short_as_it_can_be() {
        let mut uses = Uses::beside(["Network"]);
        assert_eq!(uses.ty("infra_aws::ec2::Subnet"), "ec2::Subnet");
        assert_eq!(uses.ty("infra_aws::types::Zone"), "Zone");
        assert_eq!(uses.ty("infra_aws::types::Arn"), "Arn");
        assert_eq!(uses.ty("infra_aws::AwsProvider"), "AwsProvider");
        assert_eq!(uses.ty("shop::ec2::Server"), "shop::ec2::Server");
        assert_eq!(uses.ty("shop::Network"), "shop::Network");
        assert_eq!(uses.ty("infra_core::secret::Secret"), "Secret");
        assert_eq!(uses.macro_("infra_aws::cidr"), "cidr");
        let items = "use std::process::ExitCode;\n\n\
            use infra_aws::{AwsProvider, cidr, ec2, types::{Arn, Zone}};\n\
            use infra_core::{App, prelude::*};\n";
        assert_eq!(uses.items(&["process::ExitCode"]), items);
    }
}
