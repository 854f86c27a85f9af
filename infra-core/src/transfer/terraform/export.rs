//! From our objects to Terraform's blocks: what a connector's table has to say, and what it is given for it.

use infra_state::{Record, Value};

use super::{Body, Hcl};

/// How the objects of one of our kinds are written in Terraform.
#[derive(Clone, Copy)]
pub struct Export {
    /// Its type there: `aws_subnet`. References to it are `TYPE.NAME.ATTRIBUTE`.
    pub terraform: &'static str,
    /// Which attribute there each of our outputs is: `("id", "id")`. What is not in here is written as the value it has.
    pub outputs: &'static [(&'static str, &'static str)],
    /// The blocks of an object, the first of type `terraform`. An error says why it cannot be written.
    pub give: fn(&Object<'_>) -> Result<Vec<Block>, String>,
}

/// One block `resource`.
#[derive(Clone, Debug, PartialEq)]
pub struct Block {
    /// Its type.
    pub terraform: &'static str,
    /// What `terraform import` calls it.
    pub id: String,
    /// What is in it.
    pub body: Body,
}

impl Block {
    /// A block.
    pub fn new(terraform: &'static str, id: impl Into<String>, body: Body) -> Self {
        Self { terraform, id: id.into(), body }
    }
}

/// An object of ours that is to be written.
pub struct Object<'a> {
    record: &'a Record,
    field: &'a dyn Fn(&str) -> Option<Hcl>,
    name: &'a str,
    itself: String,
}

impl<'a> Object<'a> {
    /// The object of this record, called `terraform.name`; `field` gives its fields as expressions.
    pub fn new(
        record: &'a Record,
        terraform: &str,
        name: &'a str,
        field: &'a dyn Fn(&str) -> Option<Hcl>,
    ) -> Self {
        Self { record, field, name, itself: format!("{terraform}.{name}") }
    }

    /// What it is called in the configuration.
    pub fn name(&self) -> &str {
        self.name
    }

    /// The cloud's id.
    pub fn id(&self) -> &str {
        self.record.id.as_deref().unwrap_or_default()
    }

    /// One of its fields as an expression: a reference where the program has one, else the value that is recorded.
    pub fn field(&self, name: &str) -> Option<Hcl> {
        (self.field)(name)
    }

    /// The recorded value of a field.
    pub fn input(&self, name: &str) -> Option<&Value> {
        self.record.inputs.get(name).filter(|value| !matches!(value.revealed(), Value::Null))
    }

    /// The recorded value of an output.
    pub fn output(&self, name: &str) -> Option<&Value> {
        self.record.outputs.get(name).filter(|value| !matches!(value.revealed(), Value::Null))
    }

    /// An attribute of its own first block, for the blocks beside it: `aws_s3_bucket.logs.id`.
    pub fn own(&self, attribute: &str) -> Hcl {
        Hcl::Expression(format!("{}.{attribute}", self.itself))
    }
}
