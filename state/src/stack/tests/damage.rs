//! Every stored object in turn, damaged in every way: an error that names it, and nothing changed.

use std::time::Duration;

use super::world::*;
use crate::{
    Backend, Change, ErrorKind, Grade, LocalKey, Memory, Rebind, StackName, State, env::Fake,
};

/// A stack with a snapshot, fences, and a journal after it.
async fn written() -> Memory {
    let memory = Memory::new();
    let state = state(memory.clone(), &Fake::new(1));
    for n in 0..3 {
        let session = acquired(&state).await;
        session.commit(vec![Change::Put(record(&format!("n{n}")))]).await.unwrap();
        if n == 1 {
            let mut writer = session.writer.lock().await;
            session.compact(&mut writer).await.unwrap();
        }
        session.commit(vec![Change::Put(record(&format!("m{n}")))]).await.unwrap();
        session.close(entry(n + 1)).await.unwrap();
    }
    memory
}

async fn contents(memory: &Memory) -> Vec<(String, Vec<u8>)> {
    let mut contents = Vec::new();
    for key in memory.keys() {
        contents.push((key.clone(), memory.get(&key).await.unwrap().unwrap().body));
    }
    contents
}

/// Whether a reader needs the object: fences of the past and the previous snapshot are only kept.
fn needed(key: &str, keys: &[String]) -> bool {
    let newest = |folder: &str| keys.iter().filter(|key| key.contains(folder)).max();
    if key.contains("/snapshots/") {
        return newest("/snapshots/").map(String::as_str) == Some(key);
    }
    // The snapshot is at segment 4 (fence, n0, m0, fence, n1 | m1, fence, n2, m2).
    !key.contains("/journal/") || key > "program/dev/journal/0000000005.ndjson"
}

async fn refused(memory: &Memory, key: &str, what: &str, kinds: &[ErrorKind]) {
    let before = contents(memory).await;
    let state = state(memory.clone(), &Fake::new(9));
    let acquire = state.acquire(who("b"), Duration::ZERO).await.map(drop);
    let errors = if key.contains("/history/") {
        vec![state.history(10).await.map(drop).unwrap_err()]
    } else {
        vec![state.read().await.map(drop).expect_err(what), acquire.expect_err(what)]
    };
    for error in errors {
        let context = format!("{what} {key}: {error}");
        assert!(kinds.contains(&error.kind()), "{:?} {context}", error.kind());
        assert!(error.to_string().contains(key), "{context}");
        if error.kind() == ErrorKind::Corrupt {
            assert!(error.to_string().contains("Nothing was changed"), "{context}");
        }
    }
    if !key.contains("/history/") {
        assert_eq!(contents(memory).await, before, "{what} {key} changed something");
    }
}

#[tokio::test]
async fn every_object_damaged_in_every_way_is_refused_by_name() {
    let original = contents(&written().await).await;
    let keys: Vec<String> = original.iter().map(|(key, _)| key.clone()).collect();
    let mut damaged = 0;
    for (key, body) in original.iter().filter(|(key, _)| needed(key, &keys)) {
        let last = keys.iter().filter(|key| key.contains("/journal/")).max() == Some(key);
        let mut variants: Vec<(&str, Option<Vec<u8>>)> = vec![
            ("emptied", Some(Vec::new())),
            ("truncated", Some(body[..body.len() / 2].to_vec())),
            ("one byte short", Some(body[..body.len() - 1].to_vec())),
            ("garbled", Some(b"\x00\xff not json".to_vec())),
            ("extended", Some([body, body.as_slice()].concat())),
        ];
        // A last segment or history entry that is missing was never written, as far as anybody can know.
        if !last && !key.contains("/history/") {
            variants.push(("missing", None));
        }
        for (what, body) in variants {
            let memory = written().await;
            memory.overwrite(key, body);
            refused(&memory, key, what, &[ErrorKind::Corrupt]).await;
            damaged += 1;
        }
    }
    assert!(damaged > 40, "{damaged}");
}

#[tokio::test]
async fn what_nobody_reads_any_more_is_examined_all_the_same() {
    let whole = written().await;
    let (original, keys) = (contents(&whole).await, whole.keys());
    let wrong = async |memory: &Memory| -> Vec<String> {
        let found = state(memory.clone(), &Fake::new(9)).examine().await.unwrap();
        found.into_iter().filter(|it| it.grade == Grade::Wrong).map(|it| it.what).collect()
    };
    assert_eq!(wrong(&whole).await, Vec::<String>::new());
    let unread: Vec<_> = original.iter().filter(|(key, _)| !needed(key, &keys)).collect();
    assert_eq!(unread.len(), 2, "the fences that were folded");
    for (key, body) in &unread {
        let other = unread.iter().find(|(other, _)| other != key).unwrap();
        let flipped: Vec<u8> = body.iter().map(|byte| byte ^ u8::from(*byte == b'3')).collect();
        assert_ne!(&flipped, body);
        for damaged in [Vec::new(), body[..body.len() / 2].to_vec(), flipped, other.1.clone()] {
            let memory = written().await;
            memory.overwrite(key, Some(damaged));
            let said = wrong(&memory).await;
            assert!(matches!(&said[..], [only] if only.contains(key)), "{key}: {said:?}");
        }
    }
}

#[tokio::test]
async fn a_gap_in_the_history_is_noticed() {
    let memory = written().await;
    let second = memory.keys().into_iter().find(|key| key.contains("/history/00000002.")).unwrap();
    memory.overwrite(&second, None);
    let found = state(memory, &Fake::new(9)).examine().await.unwrap();
    let gap = found.iter().find(|it| it.what.contains("between the deployments 1 and 3"));
    assert_eq!(gap.unwrap().grade, Grade::Notice);
}

#[tokio::test]
async fn any_flipped_bit_is_noticed() {
    let original = contents(&written().await).await;
    let keys: Vec<String> = original.iter().map(|(key, _)| key.clone()).collect();
    for (key, body) in original.iter().filter(|(key, _)| needed(key, &keys)) {
        for at in (0..body.len()).step_by(body.len() / 60 + 1) {
            let memory = written().await;
            let mut flipped = body.clone();
            flipped[at] ^= 1;
            memory.overwrite(key, Some(flipped));
            let kinds = [ErrorKind::Corrupt, ErrorKind::Version];
            refused(&memory, key, &format!("bit flipped at {at} in"), &kinds).await;
        }
    }
}

#[tokio::test]
async fn a_newer_format_is_told_from_damage() {
    for (key, body) in contents(&written().await).await {
        if key.contains("/snapshots/") {
            continue;
        }
        let text = String::from_utf8(body).unwrap();
        let newer = text.replacen(r#""format":1"#, r#""format":2,"novelty":true"#, 1);
        assert_ne!(newer, text, "{key}");
        let memory = written().await;
        memory.overwrite(&key, Some(newer.into_bytes()));
        let keys = memory.keys();
        if needed(&key, &keys) {
            refused(&memory, &key, "newer", &[ErrorKind::Version]).await;
        }
    }
}

#[tokio::test]
async fn objects_that_were_swapped_or_rolled_back_are_refused() {
    let original = contents(&written().await).await;
    let body = |end: &str| {
        original.iter().find(|(key, _)| key.ends_with(end)).map(|(_, body)| body.clone()).unwrap()
    };
    let journal = |seq: u64| format!("program/dev/journal/{seq:010}.ndjson");
    let last = 9;
    assert!(original.iter().any(|(key, _)| *key == journal(last)));
    assert!(!original.iter().any(|(key, _)| *key == journal(last + 1)));

    let memory = written().await;
    memory.overwrite(&journal(8), Some(body(&journal(9))));
    memory.overwrite(&journal(9), Some(body(&journal(8))));
    refused(&memory, &journal(8), "swapped", &[ErrorKind::Corrupt]).await;

    let history: Vec<_> = original.iter().filter(|(key, _)| key.contains("/history/")).collect();
    for (at, (key, _)) in history.iter().enumerate() {
        let memory = written().await;
        memory.overwrite(key, Some(history[(at + 1) % history.len()].1.clone()));
        refused(&memory, key, "another deployment's", &[ErrorKind::Corrupt]).await;
    }

    let snapshots: Vec<_> =
        original.iter().filter(|(key, _)| key.contains("/snapshots/")).collect();
    assert_eq!(snapshots.len(), 1);
    let memory = written().await;
    memory.overwrite(&snapshots[0].0, Some(zstd::encode_all(&b"{}\n"[..], 1).unwrap()));
    refused(&memory, &snapshots[0].0, "another's", &[ErrorKind::Corrupt]).await;

    // A head from before the compaction: what it needs is gone.
    let memory = Memory::new();
    let state = state(memory.clone(), &Fake::new(1));
    let session = acquired(&state).await;
    session.commit(vec![Change::Put(record("a"))]).await.unwrap();
    let old = memory.get("program/dev/head.json").await.unwrap().unwrap().body;
    session.commit(vec![Change::Put(record("b"))]).await.unwrap();
    let mut writer = session.writer.lock().await;
    session.compact(&mut writer).await.unwrap();
    drop(writer);
    session.release().await.unwrap();
    acquired(&state).await.release().await.unwrap();
    memory.overwrite("program/dev/head.json", Some(old));
    refused(&memory, &journal(2), "before the head's", &[ErrorKind::Corrupt]).await;
}

#[tokio::test]
async fn a_segment_of_another_stack_is_foreign() {
    let memory = written().await;
    let other = State::new(
        std::sync::Arc::new(memory.clone()),
        sealer(),
        StackName::new("program", "other").unwrap(),
    )
    .with_env(std::sync::Arc::new(Fake::new(33)));
    let session = other.acquire(who("a"), Duration::ZERO).await.unwrap();
    session.commit(vec![Change::Put(record("x"))]).await.unwrap();
    for name in ["head.json", "journal/0000000001.ndjson"] {
        let foreign = memory.get(&format!("program/other/{name}")).await.unwrap().unwrap().body;
        let copy = written().await;
        if name == "head.json" {
            copy.overwrite("program/dev/head.json", Some(foreign));
            refused(&copy, "program/dev/head.json", "foreign", &[ErrorKind::Identity]).await;
        } else {
            let key = "program/dev/journal/0000000006.ndjson";
            copy.overwrite(key, Some(foreign));
            refused(&copy, key, "foreign", &[ErrorKind::Corrupt]).await;
        }
    }
}

#[tokio::test]
async fn a_copy_is_not_ours_until_it_is_taken_over() {
    let memory = written().await;
    let original = state(memory.clone(), &Fake::new(4)).read().await.unwrap().unwrap();
    for how in [Rebind::Copied, Rebind::Moved] {
        let copy = memory.copied().at("elsewhere");
        let before = contents(&copy).await;
        let state = state(copy.clone(), &Fake::new(3));
        let acquire = state.acquire(who("b"), Duration::ZERO).await.map(drop);
        for error in [
            state.read().await.map(drop).unwrap_err(),
            acquire.unwrap_err(),
            state.history(1).await.map(drop).unwrap_err(),
            state.export(crate::ExportSecrets::Sealed).await.map(drop).unwrap_err(),
        ] {
            assert_eq!(error.kind(), ErrorKind::Identity);
            assert!(error.to_string().contains("state rebind"), "{error}");
        }
        assert_eq!(contents(&copy).await, before);

        let identity = state.rebind(who("b"), Duration::ZERO, how).await.unwrap();
        let lineage = original.snapshot.identity.lineage;
        assert_eq!(identity.lineage == lineage, how == Rebind::Moved);
        let view = state.read().await.unwrap().unwrap();
        assert_eq!(view.snapshot.identity, identity);
        assert_eq!(view.snapshot.records, original.snapshot.records, "secrets are sealed anew");
        assert_eq!(state.history(10).await.unwrap().len(), 3, "and the history goes with it");
        let session = acquired(&state).await;
        session.commit(vec![Change::Put(record("after"))]).await.unwrap();
        session.close(entry(4)).await.unwrap();
        assert_eq!(state.read().await.unwrap().unwrap().snapshot, session.snapshot());
    }
}

#[tokio::test]
async fn without_the_key_nothing_is_read_or_written() {
    let memory = written().await;
    let before = contents(&memory).await;
    let name = StackName::new("program", "dev").unwrap();
    let other = std::sync::Arc::new(LocalKey::from_bytes([8; 32]));
    let state = State::new(std::sync::Arc::new(memory.clone()), other, name);
    let acquire = state.acquire(who("b"), Duration::ZERO).await.map(drop);
    for error in [state.read().await.map(drop).unwrap_err(), acquire.unwrap_err()] {
        assert_eq!(error.kind(), ErrorKind::Key);
        assert!(error.to_string().contains("local:"), "{error}");
    }
    assert_eq!(contents(&memory).await, before);
}

#[tokio::test]
async fn damaged_files_of_a_directory_are_named_with_the_way_out() {
    let folder = tempfile::tempdir().unwrap();
    let local = crate::Local::new(folder.path()).unwrap();
    let state = state(local, &Fake::new(1));
    let session = acquired(&state).await;
    session.commit(vec![Change::Put(record("a"))]).await.unwrap();
    session.close(entry(1)).await.unwrap();
    drop(session);
    let stack = folder.path().join("program/dev");
    for (name, hint) in [
        ("head.json", "Put back"),
        ("journal/0000000001.ndjson", "Put back"),
        (".lease/holder.json", "remove it and run again"),
    ] {
        let path = stack.join(name);
        let whole = std::fs::read(&path).unwrap();
        for broken in [&b""[..], &whole[..whole.len() / 2], b"\xff\xff"] {
            std::fs::write(&path, broken).unwrap();
            let acquire = state.acquire(who("b"), Duration::ZERO).await.map(drop);
            for error in [state.read().await.map(drop).unwrap_err(), acquire.unwrap_err()] {
                assert_eq!(error.kind(), ErrorKind::Corrupt, "{error}");
                let text = error.to_string();
                assert!(text.contains(&*path.to_string_lossy()) && text.contains(hint), "{text}");
            }
            assert_eq!(std::fs::read(&path).unwrap(), broken);
        }
        std::fs::write(&path, whole).unwrap();
    }
    std::fs::remove_file(stack.join("head.json")).unwrap();
    let error = state.read().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt);
    assert!(error.to_string().contains("head.json is missing"), "{error}");
}

#[tokio::test]
async fn a_directory_that_was_copied_is_recognised() {
    let folder = tempfile::tempdir().unwrap();
    let (here, there) = (folder.path().join("here"), folder.path().join("there"));
    let original = state(crate::Local::new(&here).unwrap(), &Fake::new(1));
    let session = acquired(&original).await;
    session.commit(vec![Change::Put(record("a"))]).await.unwrap();
    // Copied while somebody works: the copy must not think that it is locked.
    let copied = std::process::Command::new("cp").arg("-r").args([&here, &there]).status();
    assert!(copied.unwrap().success());
    let copy = state(crate::Local::new(&there).unwrap(), &Fake::new(2));
    let error = copy.acquire(who("b"), Duration::ZERO).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Identity);
    assert!(error.to_string().contains(&*here.to_string_lossy()), "{error}");
    copy.rebind(who("b"), Duration::ZERO, Rebind::Copied).await.unwrap();
    let taken = acquired(&copy).await;
    assert_eq!(names(&taken.snapshot()), ["a"]);
    session.commit(vec![Change::Put(record("b"))]).await.unwrap();
}
