//! What a cloud knows of Terraform's resource types: a table that a connector gives.

use std::collections::BTreeMap;

use futures_util::future::BoxFuture;
use infra_state::{ProviderIdentity, Value};

use super::{Export, Instance};
use crate::{
    provider::{Connection, Result},
    transfer::take::Reason,
};

/// What a cloud knows of Terraform: from [`Connector::terraform`](crate::provider::Connector::terraform).
#[derive(Clone, Default)]
pub struct Tables {
    /// The types that it knows, by their names: `aws_subnet`.
    pub imports: BTreeMap<&'static str, Import>,
    /// How our kinds are written, by their names: `aws:ec2:Subnet`.
    pub exports: BTreeMap<&'static str, Export>,
    /// What a configuration of Terraform needs beside resources, if anything of this cloud is exported.
    pub requires: Option<Requires>,
    /// Where an object is, if it is not where `default` points.
    pub place: Option<Place>,
}

/// The configuration of our provider (`{region: …}`) through which this object is reached; `None`: the default one. An
/// error says why it cannot be reached (another account).
pub type Place = fn(
    instance: &Instance,
    default: &ProviderIdentity,
) -> std::result::Result<Option<Value>, String>;

/// What becomes of the instances of a type.
#[derive(Clone, Copy)]
pub enum Import {
    /// Each is these objects; its attributes alone tell. An error says why it cannot be taken.
    Objects(fn(&Instance) -> std::result::Result<Vec<Piece>, String>),
    /// The cloud has to be asked which objects each is: for all at once, each with its own answer.
    Asked(Ask),
    /// It is a part of an object that is taken by another type: which, for the report.
    Part(&'static str),
    /// It is no object of a cloud: its attributes are in the objects that use it. `secret` is the attribute that is a
    /// secret (`random_password.result`).
    Constant {
        /// The attribute that is a secret.
        secret: Option<&'static str>,
    },
    /// It is not taken: why, and what to do.
    Never(&'static str),
}

/// Asks the cloud which objects these instances are.
pub type Ask = for<'a> fn(
    connection: &'a Connection,
    instances: &'a [&'a Instance],
) -> BoxFuture<'a, Vec<Result<Vec<Piece>>>>;

/// One of our objects that an instance of Terraform's is. An instance may be several (the rules inside a group).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Piece {
    /// Its kind: `aws:ec2:SecurityGroupRule`.
    pub kind: String,
    /// Its id, as our kind reads it.
    pub id: String,
    /// What tells it from the other pieces of the instance, for its name: `ingress-443`. Nothing for the main one.
    pub suffix: Option<String>,
    /// It is only listed in the attributes of the instance, and may be a resource of its own too, which then names it.
    pub listed: bool,
    /// Fields that cannot be read back, or that a program should say although the cloud would choose them: as Terraform
    /// knows them. Marked secret where they are.
    pub known: BTreeMap<String, Value>,
    /// Why it is listed, and not taken.
    pub left: Option<(Reason, String)>,
}

impl Piece {
    /// The object of this kind with this id.
    pub fn new(kind: &str, id: impl Into<String>) -> Self {
        Self { kind: kind.to_owned(), id: id.into(), ..Self::default() }
    }

    /// One of several of an instance.
    #[must_use]
    pub fn suffix(mut self, suffix: impl Into<String>) -> Self {
        self.suffix = Some(suffix.into());
        self
    }

    /// One that is listed in the attributes of the instance.
    #[must_use]
    pub fn listed(mut self, suffix: impl Into<String>) -> Self {
        self.listed = true;
        self.suffix(suffix)
    }

    /// A part of the instance that is not taken, while the others are.
    #[must_use]
    pub fn left(what: &str, reason: Reason, why: impl Into<String>) -> Self {
        Self { left: Some((reason, why.into())), ..Self::new("", "").listed(what) }
    }

    /// A field that Terraform knows; nothing where it does not.
    #[must_use]
    pub fn known(mut self, field: &str, value: Option<&Value>) -> Self {
        self.known.extend(value.map(|value| (field.to_owned(), value.clone())));
        self
    }
}

/// `terraform { required_providers { … } }` and the blocks `provider "…" { … }`.
#[derive(Clone)]
pub struct Requires {
    /// `aws`.
    pub name: &'static str,
    /// `hashicorp/aws`.
    pub source: &'static str,
    /// `~> 5.0`.
    pub version: &'static str,
    /// The body of the provider's block from where it points (`region`) and how it is configured.
    pub provider: fn(identity: &ProviderIdentity, config: &Value) -> super::Body,
}
