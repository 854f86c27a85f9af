//! The same reports in every form.

use std::collections::{BTreeMap, BTreeSet};

use infra_state::Urn;
use quick_xml::{Reader, events::Event};
use serde_json::{Value as Json, json};

use super::{Format, Totals, prometheus, render};
use crate::drift::{Actor, FieldDrift, Finding, Repair, Report, Severity, Unchecked, What};

fn quiet(stack: &str) -> Report {
    Report {
        stack: stack.to_owned(),
        cloud: "aws".to_owned(),
        state: "s3://states/infra".to_owned(),
        at: "2026-01-02T03:04:05Z".parse().unwrap(),
        seconds: 1.25,
        in_progress: None,
        checked: 3,
        findings: Vec::new(),
        unchecked: Vec::new(),
        notices: Vec::new(),
        calls: [("ec2".to_owned(), 4), ("sts".to_owned(), 1)].into(),
        failed: None,
    }
}

fn urn(kind: &str, name: &str) -> Urn {
    Urn::new(kind, name).unwrap()
}

fn drifted() -> Report {
    let opened = Finding {
        urn: Some(urn("aws:ec2:SecurityGroupRule", "net/ssh")),
        kind: "aws:ec2:SecurityGroupRule".to_owned(),
        id: Some("sgr-1".to_owned()),
        what: What::Changed,
        severity: Severity::Critical,
        rule: "open-to-the-world".to_owned(),
        message: "port 22 is open to \"0.0.0.0/0\" & everybody <now>\u{1}".to_owned(),
        fields: vec![
            FieldDrift {
                path: "cidr".to_owned(),
                recorded: Some(json!("10.0.0.0/8")),
                live: Some(json!("0.0.0.0/0")),
                desired: Some(json!("10.0.0.0/8")),
                severity: Severity::Critical,
                rule: "open-to-the-world".to_owned(),
            },
            FieldDrift {
                path: "token".to_owned(),
                recorded: Some(json!({"$secret": true})),
                live: None,
                desired: Some(json!({"$secret": true})),
                severity: Severity::High,
                rule: "secret".to_owned(),
            },
        ],
        at: Some("examples/my net.rs:12:5".to_owned()),
        by: Some(Actor {
            who: "arn:aws:iam::1:user/eve".to_owned(),
            at: "2026-01-02T03:00:00Z".parse().unwrap(),
            what: "AuthorizeSecurityGroupIngress".to_owned(),
            from: None,
        }),
        repair: Repair::Update,
    };
    let orphan = Finding {
        urn: None,
        kind: "aws:ec2:Vpc".to_owned(),
        id: Some("vpc-9".to_owned()),
        what: What::Orphan,
        severity: Severity::Low,
        rule: "orphan".to_owned(),
        message: "vpc-9 says that it is this stack's, and no state knows it".to_owned(),
        fields: Vec::new(),
        at: None,
        by: None,
        repair: Repair::Nothing("say --delete-orphans".to_owned()),
    };
    let why = "this program does not know its kind".to_owned();
    Report {
        findings: vec![opened, orphan],
        unchecked: vec![Unchecked { urn: urn("gcp:Thing", "x"), why }],
        in_progress: Some("ana@host (`up`) since 03:00".to_owned()),
        notices: vec!["2 values are secret".to_owned()],
        ..quiet("shop/prod")
    }
}

fn failed() -> Report {
    let why = "the state cannot be read: \\ \"denied\"\n(403)".to_owned();
    let calls = BTreeMap::new();
    Report { failed: Some(why), checked: 0, calls, ..quiet("shop/lost") }
}

fn all() -> Vec<Report> {
    vec![drifted(), quiet("shop/dev"), failed()]
}

#[test]
fn the_forms() {
    for format in Format::ALL {
        let name = format!("drift_{}", format.as_str());
        insta::assert_snapshot!(name, render(&all(), format));
        assert_eq!(format.as_str().parse(), Ok(format));
    }
}

#[test]
fn json_is_read_back_as_the_reports_it_was_made_of() {
    let document: Json = serde_json::from_str(&render(&all(), Format::Json)).unwrap();
    let reports: Vec<Report> = serde_json::from_value(document["reports"].clone()).unwrap();
    assert_eq!(reports, all());
    let totals: Totals = serde_json::from_value(document["totals"].clone()).unwrap();
    assert_eq!(totals, Totals::of(&all()));
    let empty: Json = serde_json::from_str(&render(&[], Format::Json)).unwrap();
    assert_eq!(empty["reports"], json!([]));
}

#[test]
fn junit_counts_what_it_has() {
    let text = render(&all(), Format::Junit);
    let mut reader = Reader::from_str(&text);
    let (mut suites, mut open) = (Vec::new(), Vec::new());
    let mut counted = BTreeMap::<String, usize>::new();
    loop {
        match reader.read_event().unwrap() {
            Event::Start(tag) | Event::Empty(tag) if tag.name().as_ref() == b"testsuite" => {
                let attribute = |name: &str| {
                    let value = tag.try_get_attribute(name).unwrap().unwrap();
                    value.unescape_value().unwrap().into_owned()
                };
                suites.push(["name", "tests", "failures", "errors"].map(attribute));
                // What GitLab and Jenkins read too.
                for name in ["skipped", "time", "timestamp"] {
                    attribute(name);
                }
                counted.clear();
                open.push("testsuite");
            }
            Event::Start(tag) | Event::Empty(tag) => {
                let name = String::from_utf8(tag.name().as_ref().to_vec()).unwrap();
                if name == "testcase" {
                    for name in ["classname", "name", "time"] {
                        assert!(tag.try_get_attribute(name).unwrap().is_some(), "{name}");
                    }
                }
                *counted.entry(name).or_default() += 1;
            }
            Event::End(tag) if tag.name().as_ref() == b"testsuite" => {
                let suite = suites.last().unwrap();
                let found = ["testcase", "failure", "error"]
                    .map(|name| counted.get(name).copied().unwrap_or_default().to_string());
                assert_eq!(suite[1..], found, "{suite:?}");
            }
            Event::Eof => break,
            _ => {}
        }
    }
    let names: Vec<_> = suites.iter().map(|suite| &*suite[0]).collect();
    assert_eq!(names, ["shop/prod", "shop/dev", "shop/lost"]);
    // A control character is no XML.
    assert!(!text.contains('\u{1}') && text.contains("\\u{1}"), "{text}");
}

#[test]
fn sarif_has_what_the_standard_and_github_require() {
    let document: Json = serde_json::from_str(&render(&all(), Format::Sarif)).unwrap();
    assert_eq!(document["version"], "2.1.0");
    let run = &document["runs"][0];
    let driver = &run["tool"]["driver"];
    assert!(driver["name"].is_string());
    let rules = driver["rules"].as_array().unwrap().iter().map(|rule| {
        assert!(rule["shortDescription"]["text"].is_string());
        rule["id"].as_str().unwrap()
    });
    let rules: BTreeSet<_> = rules.collect();
    let results = run["results"].as_array().unwrap();
    assert_eq!(results.len(), 2);
    let mut fingerprints = BTreeSet::new();
    for result in results {
        assert!(rules.contains(result["ruleId"].as_str().unwrap()));
        assert!(["note", "warning", "error"].contains(&result["level"].as_str().unwrap()));
        assert!(result["message"]["text"].is_string());
        let place = &result["locations"][0]["physicalLocation"];
        assert!(place["region"]["startLine"].as_u64().unwrap() > 0);
        let uri = place["artifactLocation"]["uri"].as_str().unwrap();
        assert!(!uri.contains(' ') && !uri.starts_with('/'), "{uri}");
        fingerprints.insert(result["partialFingerprints"]["primaryLocationLineHash"].as_str());
    }
    assert_eq!(fingerprints.len(), 2);
    assert_eq!(run["invocations"][0]["executionSuccessful"], false);
    // The line that declares it moves, the alert stays the same.
    let mut moved = drifted();
    moved.at = "2027-01-01T00:00:00Z".parse().unwrap();
    moved.findings[0].at = Some("examples/my net.rs:99:1".to_owned());
    let moved: Json = serde_json::from_str(&render(&[moved], Format::Sarif)).unwrap();
    let first = |document: &Json| document["runs"][0]["results"][0].clone();
    assert_eq!(first(&moved)["partialFingerprints"], first(&document)["partialFingerprints"]);
    assert_ne!(first(&moved)["locations"], first(&document)["locations"]);
}

#[test]
fn sarif_tells_places_of_one_resource_apart_and_knows_them_again() {
    let violated = |path: &str, line: &str| {
        let finding = Finding {
            what: What::Violation,
            rule: "aws:open-group".to_owned(),
            message: format!("`{path}`: open to the world"),
            at: Some(line.to_owned()),
            ..drifted().findings.remove(0)
        };
        Report { findings: vec![finding], ..quiet("shop/prod") }
    };
    let fingerprint = |report: Report| {
        let document: Json = serde_json::from_str(&render(&[report], Format::Sarif)).unwrap();
        let result = &document["runs"][0]["results"][0]["partialFingerprints"];
        result["primaryLocationLineHash"].as_str().unwrap().to_owned()
    };
    let first = fingerprint(violated("ingress[0]", "src/net.rs:12:5"));
    assert_ne!(first, fingerprint(violated("ingress[1]", "src/net.rs:12:5")));
    assert_eq!(first, fingerprint(violated("ingress[0]", "src/net.rs:99:5")), "the line moved");
}

#[test]
fn every_metric_has_its_samples_together_and_bounded_labels() {
    let text = render(&all(), Format::Prometheus);
    let (mut families, mut name) = (BTreeSet::new(), "");
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("# TYPE ") {
            name = rest.split_once(' ').unwrap().0;
            assert!(families.insert(name), "{name} twice");
        } else if !line.starts_with('#') {
            assert_eq!(line.split(['{', ' ']).next(), Some(name), "{line}");
            assert!(!line.contains("vpc-9") && !line.contains("net/ssh"), "{line}");
            line.rsplit_once(' ').unwrap().1.parse::<f64>().unwrap();
        }
    }
    let mut escaped = prometheus::Text::default();
    escaped.family("a", "gauge", "x\\y\nz");
    escaped.sample(&[("l", "a\\b\"c\nd".to_owned())], 1);
    let expected = "# HELP a x\\\\y\\nz\n# TYPE a gauge\na{l=\"a\\\\b\\\"c\\nd\"} 1\n";
    assert_eq!(escaped.end(), expected);
}

#[test]
fn a_look_that_failed_keeps_what_was_known() {
    let mut sample = prometheus::Sample::new("shop/prod");
    sample.follow(&drifted());
    let before = prometheus::text([&sample].into_iter());
    sample.follow(&Report { failed: Some("throttled".to_owned()), ..quiet("shop/prod") });
    let after = prometheus::text([&sample].into_iter());
    let of = |text: &str, name: &str| {
        let mut lines = text.lines().filter(|line| line.starts_with(name));
        lines.next().unwrap().to_owned()
    };
    for same in ["infra_drift_findings", "infra_drift_worst", "infra_drift_last_success"] {
        assert_eq!(of(&before, same), of(&after, same));
    }
    assert_eq!(of(&before, "infra_drift_failed"), "infra_drift_failed{stack=\"shop/prod\"} 0");
    assert_eq!(of(&after, "infra_drift_failed"), "infra_drift_failed{stack=\"shop/prod\"} 1");
}

#[test]
fn totals_say_what_there_is() {
    let totals = Totals::of(&all());
    let expected = "3 stacks, 6 objects checked: 2 findings in 1 (1 critical, 1 low); 1 unchecked; 1 stack could not be looked at; 1 in the middle of a deployment";
    assert_eq!(totals.to_string(), expected);
    let mut merged = Totals::of(&all()[..1]);
    merged.merge(&Totals::of(&all()[1..]));
    assert_eq!(merged, totals);
    assert_eq!(Totals::of(&[quiet("a/b")]).to_string(), "1 stack, 3 objects checked: no drift");
}
