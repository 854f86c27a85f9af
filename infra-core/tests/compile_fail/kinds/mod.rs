//! A few kinds for the programs that must not compile.
#![allow(dead_code)]

use std::collections::BTreeMap;

use infra_core::{
    Outputs, Resource,
    provider::{Change, Cx, Find, Lookup, Managed, Observed, Operation, Result},
};

pub struct Fake;

#[derive(Resource, Clone, Debug)]
#[resource(kind = "fake:Provider", cloud = Fake)]
pub struct Provider {
    pub region: Option<String>,
}

pub struct Other;

#[derive(Resource, Clone, Debug)]
#[resource(kind = "other:Provider", cloud = Other)]
pub struct OtherProvider {}

infra_core::text_type! {
    /// The id of a VPC.
    VpcId, "a VPC id like `vpc-0a1b`", |text| text.starts_with("vpc-")
}

infra_core::text_type! {
    /// The id of a subnet.
    SubnetId, "a subnet id like `subnet-0a1b`", |text| text.starts_with("subnet-")
}

/// A network.
#[derive(Resource, Clone, Debug)]
#[resource(kind = "fake:Vpc", outputs = VpcOutputs)]
pub struct Vpc {
    /// Its addresses.
    pub cidr_block: String,
    pub tags: BTreeMap<String, String>,
}

#[derive(Outputs, Clone, Debug)]
pub struct VpcOutputs {
    /// Its id.
    #[output(stable)]
    pub id: VpcId,
}

/// A part of a network.
#[derive(Resource, Clone, Debug)]
#[resource(kind = "fake:Subnet", outputs = SubnetOutputs)]
pub struct Subnet {
    /// The network.
    pub vpc: VpcId,
    /// Its addresses.
    pub cidr_block: String,
    pub public: Option<bool>,
}

#[derive(Outputs, Clone, Debug)]
pub struct SubnetOutputs {
    /// Its id.
    #[output(stable)]
    pub id: SubnetId,
}

/// A group of subnets.
#[derive(Resource, Clone, Debug)]
#[resource(kind = "fake:Group")]
pub struct Group {
    pub subnets: Vec<SubnetId>,
}

/// An image that is looked up.
#[derive(Resource, Clone, Debug)]
#[resource(kind = "fake:Image", outputs = ImageOutputs)]
pub struct Image {
    pub family: String,
}

#[derive(Outputs, Clone, Debug)]
pub struct ImageOutputs {
    /// Its id.
    pub id: String,
}

impl Lookup for Image {
    type Cloud = Fake;

    async fn look_up(_: &Cx<Fake>, want: &Self) -> Result<ImageOutputs> {
        Ok(ImageOutputs { id: want.family.clone() })
    }
}

macro_rules! no_verbs {
    ($($ty:ty)*) => { $(
        impl Managed for $ty {
            type Cloud = Fake;

            async fn read(_: &Cx<Fake>, _: &[Find<'_, Self>]) -> Vec<Result<Option<Observed<Self>>>> {
                Vec::new()
            }

            async fn create(_: &Cx<Fake>, _: &Self, op: &Operation) -> Result<String> {
                Ok(op.token())
            }

            async fn update(_: &Cx<Fake>, _: &Change<'_, Self>, _: &Operation) -> Result<()> {
                Ok(())
            }

            async fn delete(_: &Cx<Fake>, _: &Observed<Self>, _: &Self, _: &Operation) -> Result<()> {
                Ok(())
            }
        }
    )* };
}

no_verbs!(Vpc Subnet Group);
