//! The forms that reports of drift can have.

use std::str::FromStr;

/// A form of reports of drift.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// One document: `version`, `reports`, `totals`.
    Json,
    /// JUnit XML: a test suite a stack, a failed test a finding. For CI that shows test reports.
    Junit,
    /// SARIF 2.1.0: a result a finding, where the program declares the resource. For code scanning.
    Sarif,
    /// Prometheus's text format: numbers only.
    Prometheus,
}

impl Format {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Json, Self::Junit, Self::Sarif, Self::Prometheus];

    /// The word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Junit => "junit",
            Self::Sarif => "sarif",
            Self::Prometheus => "prometheus",
        }
    }
}

impl FromStr for Format {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|format| format.as_str() == text);
        found.ok_or_else(|| {
            format!("expected `json`, `junit`, `sarif` or `prometheus`, found {text:?}")
        })
    }
}
