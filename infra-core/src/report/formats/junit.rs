//! Reports as JUnit XML, as Jenkins, GitLab and most others read it.

use std::{
    borrow::Cow,
    fmt::Write as _,
    io::{self, Write},
};

use quick_xml::{
    Writer as Xml,
    events::{BytesDecl, BytesEnd, BytesStart, BytesText, Event},
};

use serde_json::Value as Json;

use crate::drift::{Finding, Repair, Report};

/// A test suite a stack; a failed test a finding, an error what could not be compared, and one test that passed if there
/// is neither, so that a stack without drift is a report and not a mistake.
pub(super) struct Writer<W: Write>(Xml<W>);

/// How a test ended.
enum Ended<'a> {
    Passed,
    /// `failure` or `error`, with its `type` and `message`, and what is shown unfolded.
    Badly(&'static str, &'a str, Cow<'a, str>, String),
}

impl<W: Write> Writer<W> {
    pub(super) fn new(out: W) -> io::Result<Self> {
        let mut xml = Xml::new_with_indent(out, b' ', 2);
        xml.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
        xml.write_event(Event::Start(
            BytesStart::new("testsuites").with_attributes([("name", "drift")]),
        ))?;
        Ok(Self(xml))
    }

    pub(super) fn add(&mut self, report: &Report) -> io::Result<()> {
        let (failures, errors) =
            (report.findings.len(), report.unchecked.len() + usize::from(report.failed.is_some()));
        let passed = usize::from(failures + errors == 0);
        let numbers = [failures + errors + passed, failures, errors].map(|n| n.to_string());
        let (time, at) =
            (format!("{:.3}", report.seconds), report.at.strftime("%Y-%m-%dT%H:%M:%S").to_string());
        let mut suite = BytesStart::new("testsuite");
        for (name, value) in [
            ("name", &*valid(&report.stack)),
            ("tests", &*numbers[0]),
            ("failures", &*numbers[1]),
            ("errors", &*numbers[2]),
            ("skipped", "0"),
            ("time", &*time),
            ("timestamp", &*at),
        ] {
            suite.push_attribute((name, value));
        }
        self.0.write_event(Event::Start(suite))?;
        self.properties(report)?;
        if let Some(why) = &report.failed {
            let ended = Ended::Badly("error", "failed", Cow::Borrowed(why), why.clone());
            self.case(&report.stack, "the stack can be looked at", None, &ended)?;
        }
        for finding in &report.findings {
            let (name, text) = (name(finding), unfolded(finding));
            let message = Cow::Owned(format!("[{}] {}", finding.severity, finding.message));
            let ended = Ended::Badly("failure", &finding.rule, message, text);
            self.case(&report.stack, &name, finding.at.as_deref(), &ended)?;
        }
        for unchecked in &report.unchecked {
            let why = unchecked.why.clone();
            let ended = Ended::Badly("error", "unchecked", Cow::Borrowed(&unchecked.why), why);
            self.case(&report.stack, &format!("{} can be compared", unchecked.urn), None, &ended)?;
        }
        if passed > 0 {
            self.case(&report.stack, "everything is as recorded", None, &Ended::Passed)?;
        }
        self.0.write_event(Event::End(BytesEnd::new("testsuite")))
    }

    fn properties(&mut self, report: &Report) -> io::Result<()> {
        let checked = report.checked.to_string();
        let mut all =
            vec![("cloud", &*report.cloud), ("state", &*report.state), ("checked", &*checked)];
        all.extend(report.in_progress.as_deref().map(|who| ("in-progress", who)));
        all.extend(report.notices.iter().map(|notice| ("notice", &**notice)));
        self.0.write_event(Event::Start(BytesStart::new("properties")))?;
        for (name, value) in all {
            let value = valid(value);
            let property =
                BytesStart::new("property").with_attributes([("name", name), ("value", &*value)]);
            self.0.write_event(Event::Empty(property))?;
        }
        self.0.write_event(Event::End(BytesEnd::new("properties")))
    }

    fn case(
        &mut self,
        stack: &str,
        name: &str,
        at: Option<&str>,
        ended: &Ended<'_>,
    ) -> io::Result<()> {
        let (stack, name) = (valid(stack), valid(name));
        let mut case = BytesStart::new("testcase").with_attributes([
            ("classname", &*stack),
            ("name", &*name),
            ("time", "0"),
        ]);
        if let Some((file, line)) = at.map(place) {
            case.push_attribute(("file", &*valid(file)));
            if let Some(line) = line {
                case.push_attribute(("line", line));
            }
        }
        let Ended::Badly(element, kind, message, text) = ended else {
            return self.0.write_event(Event::Empty(case));
        };
        self.0.write_event(Event::Start(case))?;
        let (kind, message, text) = (valid(kind), valid(message), valid(text));
        let how =
            BytesStart::new(*element).with_attributes([("message", &*message), ("type", &*kind)]);
        self.0.write_event(Event::Start(how))?;
        self.0.write_event(Event::Text(BytesText::new(&text)))?;
        self.0.write_event(Event::End(BytesEnd::new(*element)))?;
        self.0.write_event(Event::End(BytesEnd::new("testcase")))
    }

    pub(super) fn end(mut self) -> io::Result<W> {
        self.0.write_event(Event::End(BytesEnd::new("testsuites")))?;
        let mut out = self.0.into_inner();
        out.write_all(b"\n")?;
        Ok(out)
    }
}

/// What a finding is called: the same in the next run.
fn name(finding: &Finding) -> String {
    let of = match (&finding.urn, &finding.id) {
        (Some(urn), _) => urn.to_string(),
        (None, Some(id)) => format!("{} {id}", finding.kind),
        (None, None) => finding.kind.clone(),
    };
    format!("{of}: {}", finding.what.as_str())
}

/// Everything that is known of a finding, a line each.
fn unfolded(finding: &Finding) -> String {
    let mut text = format!("{}\n", finding.message);
    let shown = |value: &Option<Json>| match value {
        None => "(nothing)".to_owned(),
        Some(value) if value.get("$secret").is_some() => "[secret]".to_owned(),
        Some(value) => value.to_string(),
    };
    for field in &finding.fields {
        let _ =
            write!(text, "{}: {} -> {}", field.path, shown(&field.recorded), shown(&field.live));
        if field.desired != field.recorded && field.desired.is_some() {
            let _ = write!(text, " (the program wants {})", shown(&field.desired));
        }
        let _ = writeln!(text, " [{}, {}]", field.severity, field.rule);
    }
    if let Some(id) = &finding.id {
        let _ = writeln!(text, "id: {id}");
    }
    if let Some(by) = &finding.by {
        let _ = writeln!(text, "by: {} ({}) at {}", by.who, by.what, by.at);
    }
    if let Some(at) = &finding.at {
        let _ = writeln!(text, "declared at: {at}");
    }
    let repair = match &finding.repair {
        Repair::Update => "changed back".to_owned(),
        Repair::Create => "made again".to_owned(),
        Repair::Nothing(why) => format!("left alone: {why}"),
    };
    let _ = write!(text, "with --fix: {repair}");
    text
}

/// File and line of `src/main.rs:12:5`.
fn place(at: &str) -> (&str, Option<&str>) {
    let mut parts = at.rsplitn(3, ':');
    match (parts.next(), parts.next(), parts.next()) {
        (Some(_), Some(line), Some(file)) => (file, Some(line)),
        _ => (at, None),
    }
}

/// What XML cannot carry, not even escaped, is shown as what it is.
fn valid(text: &str) -> Cow<'_, str> {
    let invalid = |c: char| {
        (c.is_control() && !matches!(c, '\n' | '\t')) || matches!(c, '\u{fffe}' | '\u{ffff}')
    };
    if !text.contains(invalid) {
        return Cow::Borrowed(text);
    }
    let escape = |c: char| if invalid(c) { c.escape_default().to_string() } else { c.to_string() };
    Cow::Owned(text.chars().map(escape).collect())
}
