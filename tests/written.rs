//! Programs that the engine writes, over AWS: every type is found where a program looks for it, and a whole platform,
//! written down again, declares what it was written from.
//!
//! `UPDATE_GOLDEN=1` writes the golden files; what is compiled here are the files.

#![expect(clippy::unwrap_used, reason = "tests")]

#[path = "written/declared.rs"]
mod declared;

#[rustfmt::skip]
#[path = "written/paths.rs"]
#[expect(unused_imports, reason = "that they compile is all there is to it")]
mod paths;

#[rustfmt::skip]
#[path = "written/platform.rs"]
#[expect(dead_code, clippy::pedantic, reason = "its main is not called; it is as long as the platform is")]
pub mod platform;

use std::{collections::BTreeSet, fs, path::Path};

use infra_core::{
    provider::{Connector as _, FieldSchema},
    spelling::{Form, Spelling},
    transfer::write,
};

/// Compares with the golden file, or writes it.
fn golden(name: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("written").join(name);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(&path, text).unwrap();
    }
    assert!(fs::read_to_string(&path).unwrap() == text, "{name} would be written as:\n{text}");
}

/// Collects the paths of what is written of a type; what could not be written fails.
fn spelled(of: &Spelling, found: &mut BTreeSet<String>) {
    match of {
        Spelling::Text | Spelling::Bool | Spelling::Number(_) | Spelling::Json => {}
        Spelling::List(of) | Spelling::Map(of) => {
            assert!(!matches!(**of, Spelling::List(_) | Spelling::Map(_)), "a list in a list");
            spelled(of, found);
        }
        Spelling::Secret(of) => spelled(of, found),
        Spelling::Named { path } => drop(found.insert(path.clone())),
        Spelling::Macro { path, by } => found.extend([path.clone(), (*by).to_owned()]),
        Spelling::Newtype { path, of } => {
            found.insert(path.clone());
            spelled(of, found);
        }
        Spelling::Struct { path, fields } => {
            found.insert(path.clone());
            all(fields, found);
        }
        Spelling::Enum { path, variants } => {
            found.insert(path.clone());
            for variant in variants {
                match &variant.form {
                    Form::Unit => {}
                    Form::One { of, .. } => spelled(&of(), found),
                    Form::Fields { function, fields } => {
                        assert!(function.is_some(), "no function makes {path}::{}", variant.name);
                        all(fields, found);
                    }
                }
            }
        }
    }
}

fn all(fields: &[FieldSchema], found: &mut BTreeSet<String>) {
    for field in fields {
        spelled(&(field.spelling)(), found);
    }
}

#[test]
fn every_type_is_found_where_a_program_looks_for_it() {
    let mut found = BTreeSet::new();
    let drivers = infra_aws::aws().drivers();
    for driver in drivers.iter().chain(&infra_kubernetes::kubernetes().drivers()) {
        let schema = driver.schema();
        found.insert(schema.path.clone());
        found.extend(schema.cloud.clone());
        all(&schema.fields, &mut found);
        for output in &schema.outputs {
            spelled(&(output.spelling)(), &mut found);
        }
    }
    let ours = |path: &&String| path.starts_with("infra_");
    let lines = found.iter().filter(ours).enumerate();
    let lines: Vec<_> = lines.map(|(at, path)| format!("use {path} as T{at};\n")).collect();
    let head = "//! Every type that is written in a program, by the path that is written.\n\n";
    golden("paths.rs", &format!("{head}{}", lines.concat()));
}

#[tokio::test]
async fn a_platform_is_written_as_a_program_that_declares_the_same() {
    let program = declared::program().await;
    let text = write::program(&program).unwrap();
    golden("platform.rs", &text);
    let left_out: Vec<_> =
        program.missing.iter().map(|(what, why)| format!("{what}: {why}")).collect();
    let kinds: BTreeSet<_> = program.declarations.iter().map(|of| of.urn.kind()).collect();
    assert!(kinds.len() >= 25, "only {kinds:?}; left out: {left_out:#?}");

    let wanted = declared::values(&declared::graph(infra_examples::qledger::platform).await);
    let found = declared::values(&declared::graph(platform::program).await);
    for declaration in &program.declarations {
        let urn = declaration.urn.as_str();
        assert_eq!(found.get(urn), wanted.get(urn), "{urn}");
    }
}
