//! A kind for each way in which clouds behave.

use std::collections::BTreeMap;

use infra_core::{
    Data, Outputs, Resource, Sensitive,
    provider::{
        Change, Class, Cx, Error, Find, Lock, Lookup, Managed, Observed, Once, Operation, Part,
        Partial, Reason, Result, Violation,
    },
    state::StackName,
};

use super::{Fake, world::Identity};

/// What every kind gives.
#[derive(Outputs, Clone, Debug)]
pub struct Made {
    /// Its id.
    #[output(stable)]
    pub id: String,
    /// Its inputs in a word: changes with every update.
    pub summary: String,
}

/// Found again by tags only: a create that is called twice makes two.
#[derive(Resource, Clone, Debug)]
#[resource(kind = "fake:Net", outputs = Made)]
pub struct Net {
    /// Another block replaces it.
    #[field(replace)]
    pub block: String,
    /// Changes in place.
    pub note: Option<String>,
    /// Its tags.
    #[field(tags)]
    pub tags: BTreeMap<String, String>,
}

/// Made with a client token; inside a net; takes a while.
#[derive(Resource, Clone, Debug)]
#[resource(kind = "fake:Host", outputs = Made)]
pub struct Host {
    /// Another net replaces it.
    #[field(replace)]
    pub net: String,
    /// Changes in place.
    pub size: Option<String>,
    /// How many reads find it pending.
    #[field(write_only)]
    pub wait: Option<u32>,
    /// In any order.
    #[field(set)]
    pub labels: Vec<String>,
    /// What the cloud chooses if nobody does.
    #[field(computed)]
    pub address: Option<String>,
}

/// Unique by name, holds data.
#[derive(Resource, Clone, Debug)]
#[resource(kind = "fake:Db", outputs = Made, holds_data)]
pub struct Db {
    /// Its name; a fixed one cannot exist twice.
    #[field(replace, name(max = 40, extra = "-"))]
    pub name: Option<String>,
    /// Only goes up.
    #[field(default = 1u32)]
    pub version: u32,
    /// Never read back.
    #[field(write_only)]
    pub password: Option<Sensitive<String>>,
    /// Where it listens.
    pub net: Option<String>,
}

/// Two cannot exist side by side.
#[derive(Resource, Clone, Debug)]
#[resource(kind = "fake:Slot", outputs = Made, delete_before_replace = "there is one slot")]
pub struct Slot {
    /// Another content replaces it.
    #[field(replace)]
    pub content: String,
}

/// A note about anything: refers to whatever its text holds. One at a time.
#[derive(Resource, Clone, Debug)]
#[resource(kind = "fake:Note", outputs = Made)]
pub struct Note {
    /// Changes in place; at most 200 characters.
    pub text: String,
    /// Another subject replaces it.
    #[field(replace)]
    pub subject: Option<String>,
}

/// Keeps a secret, and shows it to whoever may read it.
#[derive(Resource, Clone, Debug)]
#[resource(kind = "fake:Safe", outputs = Made)]
pub struct Safe {
    /// Changes in place.
    pub content: Sensitive<String>,
}

/// Has no tags; unique by name.
#[derive(Resource, Clone, Debug)]
#[resource(kind = "fake:Label", outputs = Made)]
pub struct Label {
    /// Its name.
    #[field(replace, name(max = 40, extra = "-"))]
    pub name: Option<String>,
    /// Changes in place.
    pub of: String,
}

/// Has neither tags nor a name: it is what it connects.
#[derive(Resource, Clone, Debug)]
#[resource(kind = "fake:Link", outputs = Made)]
pub struct Link {
    /// Another end replaces it.
    #[field(replace)]
    pub from: String,
    /// Another end replaces it.
    #[field(replace)]
    pub to: String,
    /// Changes in place.
    pub weight: Option<u32>,
}

/// A lookup that finds another image each time the world has another one.
#[derive(Resource, Clone, Debug)]
#[resource(kind = "fake:Image", outputs = ImageOutputs)]
pub struct Image {
    /// What to look for.
    pub family: String,
}

/// What an image gives.
#[derive(Outputs, Clone, Debug)]
pub struct ImageOutputs {
    /// The newest image of the family.
    pub image: String,
}

impl Lookup for Image {
    type Cloud = Fake;

    async fn look_up(cx: &Cx<Fake>, want: &Self) -> Result<ImageOutputs> {
        let found =
            cx.world.of("image").into_iter().find(|(_, o)| {
                o.inputs.get("family").and_then(|f| f.as_str()) == Some(&want.family)
            });
        let (image, _) = found
            .ok_or_else(|| Error::not_found(format!("no image of the family {:?}", want.family)))?;
        Ok(ImageOutputs { image })
    }
}

fn made(id: &str, inputs: &impl Data) -> Made {
    Made { id: id.to_owned(), summary: inputs.to_value().plain().to_json().to_string() }
}

/// What somebody gave an object that no kind here can say.
fn beyond(object: &super::Object) -> Option<String> {
    object.inputs.get("beyond").and_then(|what| what.as_str()).map(str::to_owned)
}

macro_rules! managed {
    ($kind:ty, $identity:expr, |$want:ident| $pending:expr, { $($more:tt)* }) => {
        impl Managed for $kind {
            type Cloud = Fake;

            async fn read(cx: &Cx<Fake>, find: &[Find<'_, Self>]) -> Vec<Result<Option<Observed<Self>>>> {
                let answers = cx.world.read(find, $identity).await;
                let observed = |(id, object): (String, super::Object)| {
                    let live = Self::from_value(&object.inputs)?;
                    let outputs = made(&id, &live);
                    let observed = Observed::ready(id, live, outputs).but(object.readiness());
                    Ok(observed.owned_by(&object.owner).with_beyond(beyond(&object)))
                };
                answers.into_iter().map(|answer| answer?.map(observed).transpose()).collect()
            }

            async fn owned(cx: &Cx<Fake>, stack: &StackName) -> Result<Option<Vec<Observed<Self>>>> {
                let Some(objects) = cx.world.owned(Self::KIND, stack, $identity).await? else {
                    return Ok(None);
                };
                let observed = |(id, object): (String, super::Object)| {
                    let live = Self::from_value(&object.inputs)?;
                    let outputs = made(&id, &live);
                    let observed = Observed::ready(id, live, outputs).but(object.readiness());
                    Ok(observed.owned_by(&object.owner).with_beyond(beyond(&object)))
                };
                objects.into_iter().map(observed).collect::<Result<_>>().map(Some)
            }

            async fn create(cx: &Cx<Fake>, $want: &Self, op: &Operation) -> Result<String> {
                let inputs = $want.to_value().plain();
                cx.world.create(Self::KIND, inputs, op, $identity, $pending).await
            }

            async fn update(cx: &Cx<Fake>, change: &Change<'_, Self>, _: &Operation) -> Result<()> {
                let want = change.want()?.to_value().plain();
                cx.world.update(Self::KIND, change.id()?, want).await
            }

            async fn delete(cx: &Cx<Fake>, have: &Observed<Self>, _: &Self, _: &Operation) -> Result<()> {
                cx.world.delete(Self::KIND, &have.id, &have.live.to_value()).await
            }

            $($more)*
        }
    };
}

managed!(Net, Identity::Tags, |want| 0, {});
managed!(Host, Identity::Token, |want| want.wait.unwrap_or(0), {
    fn once() -> Once {
        Once { token: Some(std::time::Duration::from_hours(1)), ..Once::default() }
    }
});
managed!(Db, Identity::Name, |want| 0, {
    fn once() -> Once {
        Once { by_name: true, ..Once::default() }
    }

    fn replaces(old: &Self, new: &Partial<Self>) -> Option<Reason> {
        match new.get(Self::VERSION) {
            Part::Known(version) if version < old.version => {
                Some(Reason::of(Self::VERSION, "the version can only go up"))
            }
            _ => None,
        }
    }
});
managed!(Slot, Identity::Token, |want| 0, {});
managed!(Safe, Identity::Tags, |want| 0, {});
managed!(Label, Identity::BareName, |want| 0, {
    fn once() -> Once {
        Once { by_name: true, ..Once::default() }
    }
});
managed!(Link, Identity::Ends, |want| 0, {
    const WITHIN: Option<&'static str> = Some(Net::KIND);

    async fn added(cx: &Cx<Fake>, stack: &StackName) -> Result<Vec<Observed<Self>>> {
        let nets = cx.world.of(Net::KIND);
        let mut found = Vec::new();
        for (id, object) in cx.world.of(Self::KIND) {
            let live = Self::from_value(&object.inputs)?;
            let Some(net) = nets.get(&live.from) else { continue };
            let mut owner = net.owner.clone();
            owner.retain(|key, _| key == "infra:stack" || key == "infra:lineage");
            if owner.get("infra:stack") == Some(&stack.to_string()) {
                let outputs = made(&id, &live);
                found.push(Observed::ready(id, live, outputs).owned_by(&owner));
            }
        }
        Ok(found)
    }

    fn shrinks(live: &Self, want: &Self) -> Option<String> {
        let (live, want) = (live.weight?, want.weight?);
        (want < live).then(|| format!("{live} to {want}"))
    }

    fn once() -> Once {
        Once { by_name: true, ..Once::default() }
    }
});
managed!(Note, Identity::Tags, |want| 0, {
    fn check(want: &Partial<Self>) -> Vec<Violation> {
        let text = want.get(Self::TEXT).known().unwrap_or_default();
        if text.len() <= 200 {
            return Vec::new();
        }
        vec![Violation::of(Self::TEXT, format!("at most 200 characters, found {}", text.len()))]
    }

    fn serialize_on(_: &Self) -> Option<Lock> {
        Some(Lock("notes".to_owned()))
    }
});

/// A class for tests that refuse.
pub const REFUSED: Class = Class::Invalid;
