//! A place is checked before anything is written there: conditions are kept, and nothing expires.

use super::{
    lifecycle,
    objects::{Objects, When},
};
use crate::{
    Env, Error, ErrorKind, Result,
    backend::{Put, Tag},
    env::EnvExt as _,
    format::v1::{Checked, read_place, write_place},
};

/// Says that the place was checked. No key of the port begins with a dot.
const PLACE: &str = ".place.json";
/// What a check writes, and removes again.
pub(super) const PROBES: &str = ".probe";

/// Checks the place, unless a run before did: then it costs one read.
pub(super) async fn check(objects: &Objects, env: &dyn Env) -> Result<()> {
    if let Some(found) = objects.get(PLACE).await? {
        let name = format!("{}/{PLACE}", objects.place.home());
        return read_place(&name, &found.body).map(drop);
    }
    if let Some(rule) = lifecycle::Rules::read(objects).await?.deadly(objects) {
        return Err(rule);
    }
    conditions(objects, env).await?;
    let (checked, by) = (env.now(), concat!("infra-state ", env!("CARGO_PKG_VERSION")).to_owned());
    let place = Checked { home: objects.place.home(), checked, by, nonce: env.uuid() };
    // Whoever was faster found the same.
    objects.put(PLACE, &write_place(&place)?, When::Absent).await.map(drop)
}

/// Tries whether a write is refused whose condition does not hold. Everything that keeps state safe is built on that.
pub(super) async fn conditions(objects: &Objects, env: &dyn Env) -> Result<()> {
    let key = format!("{PROBES}/{}", env.uuid());
    let tried = try_conditions(objects, &key).await;
    let removed = objects.delete(&key).await;
    tried.and(removed)
}

async fn try_conditions(objects: &Objects, key: &str) -> Result<()> {
    let ignored = |condition: &str| {
        let message = format!(
            "what answers for {} does not keep the condition {condition} of a write, so two runs could overwrite each \
             other's state. Nothing of the state was written. AWS keeps it; of other stores a newer version may",
            objects.place.home()
        );
        Err(Error::new(ErrorKind::Refused, message))
    };
    let Put::Stored(tag) = objects.put(key, b"first", When::Absent).await? else {
        // Under a name that nobody else has: a store that refuses what it should make.
        return ignored("If-None-Match");
    };
    if objects.put(key, b"second", When::Absent).await? != Put::Refused {
        return ignored("If-None-Match");
    }
    let other = Tag("\"00000000000000000000000000000000\"".to_owned());
    if objects.put(key, b"third", When::Is(&other)).await? != Put::Refused {
        return ignored("If-Match");
    }
    match objects.put(key, b"fourth", When::Is(&tag)).await? {
        Put::Stored(_) => Ok(()),
        Put::Refused => ignored("If-Match"),
    }
}
