//! Objects.

use std::sync::Arc;

use futures_util::future::join_all;

use super::Pair;
use crate::{
    Backend, ErrorKind,
    backend::{Put, Tag},
};

const KEY: &str = "program/stack/object.json";

async fn body(backend: &dyn Backend, key: &str) -> Option<Vec<u8>> {
    backend.get(key).await.expect("get").map(|object| object.body)
}

async fn created(backend: &dyn Backend, key: &str, body: &[u8]) -> Tag {
    match backend.put_if_absent(key, body).await.expect("put_if_absent") {
        Put::Stored(tag) => tag,
        Put::Refused => panic!("{key} was there already"),
    }
}

pub(super) async fn a_key_is_created_once(pair: &Pair) {
    assert_eq!(body(&*pair.a, KEY).await, None);
    let tag = created(&*pair.a, KEY, b"first").await;
    for backend in [&pair.a, &pair.b] {
        assert_eq!(backend.put_if_absent(KEY, b"second").await.expect("put"), Put::Refused);
        let there = backend.get(KEY).await.expect("get").expect("it is there");
        assert_eq!((there.body.as_slice(), &there.tag), (b"first".as_slice(), &tag));
    }
}

pub(super) async fn only_what_was_seen_is_replaced(pair: &Pair) {
    let nothing = Tag("none".to_owned());
    assert_eq!(pair.a.put_if_match(KEY, b"x", &nothing).await.expect("put"), Put::Refused);
    assert_eq!(body(&*pair.a, KEY).await, None, "a replacement creates nothing");

    let first = created(&*pair.a, KEY, b"first").await;
    let Put::Stored(second) = pair.b.put_if_match(KEY, b"second", &first).await.expect("put")
    else {
        panic!("the version seen was refused");
    };
    assert_ne!(first, second);
    assert_eq!(pair.a.put_if_match(KEY, b"third", &first).await.expect("put"), Put::Refused);
    let there = pair.a.get(KEY).await.expect("get").expect("it is there");
    assert_eq!((there.body.as_slice(), there.tag), (b"second".as_slice(), second));
}

pub(super) async fn bytes_are_kept_exactly(pair: &Pair) {
    // More than some stores take in one piece.
    let large: Vec<u8> =
        (0..6_000_000_u32).map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes()[3]).collect();
    for (key, bytes) in [("p/s/empty", Vec::new()), ("p/s/zero", vec![0]), ("p/s/large", large)] {
        created(&*pair.a, key, &bytes).await;
        assert!(body(&*pair.b, key).await.as_deref() == Some(&bytes), "{key}");
    }
}

pub(super) async fn a_folder_lists_what_is_directly_inside(pair: &Pair) {
    let keys = [
        "p/s/journal/2",
        "p/s/journal/10",
        "p/s/journal/1",
        "p/s/head.json",
        "p/s2/head.json",
        "q/s/x",
    ];
    for key in keys {
        created(&*pair.a, key, b"x").await;
    }
    for backend in [&pair.a, &pair.b] {
        let list = async |folder, after| backend.list(folder, after).await.expect("list");
        assert_eq!(list("", "").await, ["p/", "q/"]);
        assert_eq!(list("p", "").await, ["s/", "s2/"]);
        assert_eq!(list("p/s", "").await, ["head.json", "journal/"]);
        assert_eq!(list("p/s/journal", "").await, ["1", "10", "2"]);
        assert_eq!(list("p/s/journal", "1").await, ["10", "2"]);
        assert_eq!(list("p/s/journal", "2").await, [""; 0]);
        assert_eq!(list("p/s/nothing", "").await, [""; 0]);
    }
}

/// A journal that nobody compacted: stores list in pages of a thousand.
pub(super) async fn a_long_list_is_whole_and_in_order(pair: &Pair) {
    const COUNT: usize = 1203;
    let names: Vec<String> = (0..COUNT).map(|n| format!("{n:08}.ndjson")).collect();
    let creating = names.chunks(COUNT / 16 + 1).map(|names| {
        let (backend, names) = (Arc::clone(&pair.a), names.to_vec());
        tokio::spawn(async move {
            for name in names {
                created(&*backend, &format!("p/s/journal/{name}"), b"x").await;
            }
        })
    });
    for task in join_all(creating).await {
        task.expect("it ends");
    }
    created(&*pair.a, "p/s/journal/deeper/x", b"x").await;
    created(&*pair.a, "p/s/z", b"x").await;
    let all = pair.b.list("p/s/journal", "").await.expect("list");
    assert_eq!((&all[..COUNT], &all[COUNT..]), (&names[..], &["deeper/".to_owned()][..]));
    let late = pair.b.list("p/s/journal", &names[1100]).await.expect("list");
    assert_eq!(late, all[1101..]);
    assert_eq!(pair.b.list("p/s", "").await.expect("list"), ["journal/", "z"]);
}

/// What is gone through in folders: two programs, each with its stacks.
pub(super) async fn a_folder_is_listed_once_however_much_is_in_it(pair: &Pair) {
    for n in 0..30 {
        created(&*pair.a, &format!("p/a/journal/{n:02}"), b"x").await;
        created(&*pair.a, &format!("p/b-{n:02}/head.json"), b"x").await;
    }
    created(&*pair.a, "p/a.json", b"x").await;
    let list = pair.b.list("p", "").await.expect("list");
    assert_eq!(list.len(), 32, "{list:?}");
    assert_eq!(list[..2], ["a.json", "a/"]);
    assert_eq!(pair.b.list("p", "a.json").await.expect("list")[0], "a/");
    assert_eq!(pair.b.list("p", "a/").await.expect("list")[0], "b-00/");
    assert_eq!(pair.b.list("p", "b-28/").await.expect("list"), ["b-29/"]);
}

pub(super) async fn a_deleted_object_is_gone_and_can_be_made_again(pair: &Pair) {
    pair.a.delete(KEY).await.expect("deleting nothing succeeds");
    created(&*pair.a, KEY, b"first").await;
    pair.b.delete(KEY).await.expect("delete");
    assert_eq!(body(&*pair.a, KEY).await, None);
    assert_eq!(pair.a.list("program/stack", "").await.expect("list"), [""; 0]);
    created(&*pair.a, "program/stack/journal/1", b"x").await;
    pair.b.delete("program/stack/journal/1").await.expect("delete");
    assert_eq!(pair.a.list("program/stack", "").await.expect("list"), [""; 0], "an empty folder");
    created(&*pair.a, KEY, b"again").await;
    assert_eq!(body(&*pair.b, KEY).await.as_deref(), Some(b"again".as_slice()));
}

pub(super) async fn only_what_was_seen_is_deleted(pair: &Pair) {
    let first = created(&*pair.a, KEY, b"first").await;
    let Put::Stored(second) = pair.b.put_if_match(KEY, b"second", &first).await.expect("put")
    else {
        panic!("the version seen was refused");
    };
    assert!(!pair.a.delete_if_match(KEY, &first).await.expect("delete"), "it is another one now");
    assert_eq!(body(&*pair.b, KEY).await.as_deref(), Some(b"second".as_slice()));
    assert!(pair.a.delete_if_match(KEY, &second).await.expect("delete"));
    assert_eq!(body(&*pair.b, KEY).await, None);
    assert!(pair.b.delete_if_match(KEY, &second).await.expect("delete"), "it is gone already");
}

pub(super) async fn keys_stay_inside(pair: &Pair) {
    for key in ["", "../x", "a/../../x", "/x", "a//x", "a/.x"] {
        let error = pair.a.put_if_absent(key, b"x").await.expect_err(key);
        assert_eq!(error.kind(), ErrorKind::Invalid, "{key}");
        assert_eq!(pair.a.get(key).await.expect_err(key).kind(), ErrorKind::Invalid, "{key}");
    }
}

pub(super) async fn one_of_many_creators_wins(pair: &Pair) {
    for round in 0..8 {
        let key = format!("p/s/journal/{round}");
        let puts = join_all((0..16_u8).map(|n| {
            let backend = Arc::clone(if n % 2 == 0 { &pair.a } else { &pair.b });
            let key = key.clone();
            tokio::spawn(async move { (n, backend.put_if_absent(&key, &[n]).await.expect("put")) })
        }))
        .await;
        let winners: Vec<u8> = puts
            .into_iter()
            .filter_map(|put| match put.expect("it ends") {
                (n, Put::Stored(_)) => Some(n),
                (_, Put::Refused) => None,
            })
            .collect();
        assert_eq!(winners.len(), 1, "{winners:?}");
        assert_eq!(body(&*pair.b, &key).await, Some(winners));
    }
}

pub(super) async fn no_increment_is_lost(pair: &Pair) {
    const EACH: u32 = 12;
    created(&*pair.a, KEY, b"0").await;
    let counting = |backend: Arc<dyn Backend>| async move {
        for _ in 0..EACH {
            loop {
                let there = backend.get(KEY).await.expect("get").expect("it is there");
                let count: u32 = String::from_utf8_lossy(&there.body).parse().expect("a number");
                let next = (count + 1).to_string();
                let put = backend.put_if_match(KEY, next.as_bytes(), &there.tag).await;
                if matches!(put.expect("put"), Put::Stored(_)) {
                    break;
                }
            }
        }
    };
    let tasks = [&pair.a, &pair.b, &pair.a, &pair.b].map(|b| tokio::spawn(counting(Arc::clone(b))));
    for task in join_all(tasks).await {
        task.expect("it ends");
    }
    let expected = (4 * EACH).to_string();
    assert_eq!(body(&*pair.a, KEY).await.as_deref(), Some(expected.as_bytes()));
}

pub(super) async fn two_instances_are_one_place(pair: &Pair) {
    assert_eq!(pair.a.url(), pair.b.url());
    assert_eq!(pair.a.liveness(), pair.b.liveness());
    created(&*pair.a, KEY, b"x").await;
    assert_eq!(body(&*pair.b, KEY).await.as_deref(), Some(b"x".as_slice()));
}
