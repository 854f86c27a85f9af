//! Watches: what happens, as it happens.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderValue};
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::convert::shown;
use super::list::found;
use super::path::Place;
use super::request::Request;
use super::select::Selection;
use super::shape::Shape;
use crate::body::Body;
use crate::cluster::{Core, Turn};
use crate::failure::{Failure, Outcome};
use crate::kinds::Kind;
use crate::store::{Event, Happened, Seen};

/// How often a watch looks. While it does, the controllers run.
const LOOK: Duration = Duration::from_millis(20);
/// A watch that does not say for how long.
const LONGEST: Duration = Duration::from_mins(30);
const BOOKMARK: Duration = Duration::from_secs(5);

struct Watch {
    kind: Arc<Kind>,
    namespace: Option<String>,
    name: Option<String>,
    selection: Selection,
    shape: Shape,
    bookmarks: bool,
}

/// Begins a watch.
pub(super) fn watch(
    core: &Arc<Core>,
    request: &Request,
    place: &Place,
    kind: Arc<Kind>,
) -> Outcome<http::Response<Body>> {
    let watch = Watch {
        kind,
        namespace: place.namespace.clone(),
        name: place.name.clone(),
        selection: Selection::of(request)?,
        shape: Shape::of(&request.accept),
        bookmarks: request.says("allowWatchBookmarks"),
    };
    let from = request.parameter("resourceVersion");
    let initial = request.says("sendInitialEvents");
    let (revision, first) = core.turn(|turn| {
        let now = turn.store.revision();
        if initial || matches!(from, "" | "0") {
            let mut first = watch.present(turn);
            if initial {
                let end = json!({"k8s.io/initial-events-end": "true"});
                first.push(watch.bookmark(now, &end));
            }
            return Ok((now, first));
        }
        let asked: u64 = from.parse().map_err(|_| {
            Failure::bad_request(format!(
                "resourceVersion: Invalid value: {from:?}: strconv.ParseUint"
            ))
        })?;
        Ok((asked, Vec::new()))
    })??;
    let timeout = request.parameter("timeoutSeconds").parse().map_or(LONGEST, Duration::from_secs);
    let (sender, receiver) = mpsc::channel(256);
    let core = Arc::clone(core);
    tokio::spawn(async move {
        run(&core, &watch, revision, first, timeout, sender).await;
    });
    let mut response = http::Response::new(Body::stream(receiver));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Ok(response)
}

async fn run(
    core: &Arc<Core>,
    watch: &Watch,
    mut revision: u64,
    first: Vec<Value>,
    timeout: Duration,
    sender: mpsc::Sender<Bytes>,
) {
    let end = Instant::now() + timeout;
    let mut bookmark = Instant::now() + BOOKMARK;
    let mut lines = first;
    loop {
        for line in lines.drain(..) {
            if sender.send(Bytes::from(format!("{line}\n"))).await.is_err() {
                return;
            }
        }
        if Instant::now() >= end || sender.is_closed() {
            return;
        }
        let seen = core.turn(|turn| {
            let now = turn.store.revision();
            (now, turn.store.since(revision, &watch.kind.table()), turn.now)
        });
        match seen {
            Ok((now, Seen::Events(events), time)) => {
                lines.extend(events.iter().filter_map(|event| watch.told(event, time)));
                revision = revision.max(now);
                if watch.bookmarks && Instant::now() >= bookmark {
                    bookmark = Instant::now() + BOOKMARK;
                    lines.push(watch.bookmark(revision, &Value::Null));
                }
            }
            Ok((_, Seen::Gone(oldest), _)) => {
                let message = format!("too old resource version: {revision} ({oldest})");
                let status = Failure::new(410, "Expired", message).status();
                let line = json!({"type": "ERROR", "object": status});
                let _ = sender.send(Bytes::from(format!("{line}\n"))).await;
                return;
            }
            Err(failure) => {
                let line = json!({"type": "ERROR", "object": failure.status()});
                let _ = sender.send(Bytes::from(format!("{line}\n"))).await;
                return;
            }
        }
        if lines.is_empty() {
            tokio::select! {
                () = tokio::time::sleep(LOOK) => {}
                () = sender.closed() => return,
            }
        }
    }
}

impl Watch {
    /// What is there already.
    fn present(&self, turn: &Turn<'_>) -> Vec<Value> {
        let objects = found(turn, &self.kind, self.namespace.as_deref(), &self.selection);
        let mine =
            objects.iter().filter(|((_, name), _)| self.name.as_ref().is_none_or(|it| it == name));
        mine.map(|(_, object)| self.line("ADDED", object, turn.now)).collect()
    }

    /// What an event is to this watcher: objects come and go by their labels too.
    fn told(&self, event: &Event, now: i64) -> Option<Value> {
        let (namespace, name) = &event.key;
        if self.namespace.as_ref().is_some_and(|it| it != namespace)
            || self.name.as_ref().is_some_and(|it| it != name)
        {
            return None;
        }
        let takes = self.selection.takes(&event.object);
        let took = event.before.as_ref().is_some_and(|it| self.selection.takes(it));
        let what = match event.happened {
            Happened::Deleted => took.then_some("DELETED"),
            Happened::Added | Happened::Modified => match (took, takes) {
                (false, true) => Some("ADDED"),
                (true, true) => Some("MODIFIED"),
                (true, false) => Some("DELETED"),
                (false, false) => None,
            },
        };
        what.map(|what| self.line(what, &event.object, now))
    }

    fn line(&self, what: &str, object: &Value, now: i64) -> Value {
        let object = self.shape.one(&self.kind, shown(&self.kind, object), now);
        json!({"type": what, "object": object})
    }

    fn bookmark(&self, revision: u64, annotations: &Value) -> Value {
        let mut metadata =
            json!({"resourceVersion": revision.to_string(), "creationTimestamp": null});
        if !annotations.is_null() {
            metadata["annotations"] = annotations.clone();
        }
        let object = json!({"kind": self.kind.kind, "apiVersion": self.kind.api_version(), "metadata": metadata});
        json!({"type": "BOOKMARK", "object": object})
    }
}
