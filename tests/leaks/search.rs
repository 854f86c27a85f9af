//! Looking for secrets in everything that was written, in every form that a machine gives them.

use std::{
    collections::{BTreeMap, HashSet},
    fmt::Write as _,
    fs,
    hash::{DefaultHasher, Hash, Hasher},
    path::Path,
};

use base64::{Engine as _, engine::general_purpose::STANDARD_NO_PAD};

/// Everything that was written, by where.
#[derive(Default)]
pub(super) struct Written(BTreeMap<String, Vec<u8>>, HashSet<u64>);

impl Written {
    pub(super) fn add(&mut self, place: impl Into<String>, bytes: impl Into<Vec<u8>>) {
        self.0.entry(place.into()).or_default().extend(bytes.into());
    }

    /// Every file below, and what is compressed in it.
    pub(super) fn add_folder(&mut self, when: &str, folder: &Path) {
        for entry in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            let place = format!("{when}: {}", entry.display());
            if entry.is_dir() {
                self.add_folder(when, &entry);
                continue;
            }
            let bytes = fs::read(&entry).unwrap();
            // Most of what a command leaves was there before.
            let mut hasher = DefaultHasher::new();
            (&entry, &bytes).hash(&mut hasher);
            if !self.1.insert(hasher.finish()) {
                continue;
            }
            if bytes.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]) {
                self.add(format!("{place} (decompressed)"), zstd::decode_all(&*bytes).unwrap());
            }
            self.add(place, bytes);
        }
    }

    /// What was written there.
    pub(super) fn said(&self, place: &str) -> String {
        let bytes = self.0.get(place).map(Vec::as_slice).unwrap_or_default();
        String::from_utf8_lossy(bytes).into_owned()
    }

    pub(super) fn places(&self) -> usize {
        self.0.len()
    }

    /// Where a form of one of the secrets is: `place: form`.
    pub(super) fn find(&self, secrets: &[String]) -> Vec<String> {
        let needles: Vec<_> = secrets.iter().flat_map(|secret| forms(secret)).collect();
        let mut found = Vec::new();
        for (place, bytes) in &self.0 {
            let text = String::from_utf8_lossy(bytes);
            // Screens, PEM and base64 break lines.
            let joined: String = text.chars().filter(|c| !c.is_whitespace()).collect();
            for (form, needle) in &needles {
                let bare: String = needle.chars().filter(|c| !c.is_whitespace()).collect();
                if text.contains(needle.as_str()) || joined.contains(&bare) {
                    found.push(format!("{place}: {form}"));
                }
            }
        }
        found
    }
}

/// The forms, each with its name. Written without a look at how the engine does it.
fn forms(secret: &str) -> Vec<(String, String)> {
    let mut forms = vec![
        ("plain", secret.to_owned()),
        ("reversed", secret.chars().rev().collect()),
        ("debug", inner(&format!("{secret:?}"))),
        ("json", inner(&serde_json::to_string(secret).unwrap())),
    ];
    let twice = serde_json::to_string(&inner(&serde_json::to_string(secret).unwrap())).unwrap();
    forms.push(("json in json", inner(&twice)));
    for (name, shift) in [("base64", 0), ("base64, shifted", 1), ("base64, shifted twice", 2)] {
        let mut bytes = vec![b'#'; shift];
        bytes.extend(secret.bytes());
        // Only whole groups of three: what stands before and behind would change the others.
        let (from, to) = (usize::from(shift > 0) * 3, bytes.len() / 3 * 3);
        let text = STANDARD_NO_PAD.encode(&bytes[from..to]);
        forms.push((name, text.replace('+', "-").replace('/', "_")));
        forms.push((name, text));
    }
    let mut percent = [String::new(), String::new()];
    let mut hex = [String::new(), String::new()];
    for byte in secret.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            for text in &mut percent {
                text.push(char::from(byte));
            }
        } else {
            write!(percent[0], "%{byte:02X}").unwrap();
            write!(percent[1], "%{byte:02x}").unwrap();
        }
        write!(hex[0], "{byte:02x}").unwrap();
        write!(hex[1], "{byte:02X}").unwrap();
    }
    forms.extend(percent.map(|text| ("url", text)));
    forms.extend(hex.map(|text| ("hex", text)));
    let short = &secret[..secret.char_indices().nth(12).map_or(secret.len(), |(at, _)| at)];
    forms.push(("the beginning", short.to_owned()));
    forms.into_iter().map(|(name, form)| (format!("{name} of {secret}"), form)).collect()
}

fn inner(quoted: &str) -> String {
    quoted[1..quoted.len() - 1].to_owned()
}

/// What a cloud may say that was given a secret.
pub(super) fn echo(secret: &str) -> String {
    // Nobody reverses what they quote, and what is encoded is encoded as a whole.
    let said = forms(secret)
        .into_iter()
        .filter(|(name, _)| !name.starts_with("reversed") && !name.starts_with("base64"));
    let mut said: Vec<_> = said.map(|(_, form)| form).collect();
    for user in ["", "u", "us", "user"] {
        let text = STANDARD_NO_PAD.encode(format!("{user}{secret}@host"));
        said.push(text.replace('+', "-").replace('/', "_"));
        said.push(text);
    }
    format!("the value <{}> is not valid", said.join("> <"))
}

#[test]
fn every_form_is_found() {
    let secret = "p/ss \"w<rd>&%é-123456";
    for (name, form) in forms(secret) {
        let mut written = Written::default();
        written.add("there", format!("before {form} after"));
        assert!(!written.find(&[secret.to_owned()]).is_empty(), "{name}");
    }
    let folder = tempfile::tempdir().unwrap();
    let compressed = zstd::encode_all(format!("{{\"x\":\"{secret}\"}}").as_bytes(), 1).unwrap();
    fs::write(folder.path().join("x.zst"), compressed).unwrap();
    let wrapped = STANDARD_NO_PAD.encode(format!("xy{secret}"));
    let lines: Vec<_> = wrapped.as_bytes().chunks(10).map(String::from_utf8_lossy).collect();
    fs::write(folder.path().join("x.pem"), lines.join("\n")).unwrap();
    let mut written = Written::default();
    written.add_folder("now", folder.path());
    let found = written.find(&[secret.to_owned()]).join("\n");
    assert!(found.contains("x.zst (decompressed)") && found.contains("x.pem"), "{found}");
    assert!(written.find(&["something else entirely".to_owned()]).is_empty());
}
