//! Parameters that someone else keeps.

use infra_core::{
    Outputs, Resource,
    provider::{Cx, Error, Grant, Lookup, Result},
};

use crate::{Aws, classify::Classify as _};

/// The value of a parameter that AWS or another stack keeps: `/aws/service/…`. Not for secure ones.
///
/// Needs `ssm:GetParameter` on it.
#[derive(Resource, Clone, Debug)]
#[resource(kind = "aws:ssm:PublicParameter", outputs = PublicParameterOutputs)]
pub struct PublicParameter {
    /// Its name.
    pub name: String,
}

/// What a parameter holds.
#[derive(Outputs, Clone, Debug)]
pub struct PublicParameterOutputs {
    /// Its value.
    #[output(stable)]
    pub value: String,
    /// The number of the version this is.
    #[output(stable)]
    pub version: i64,
}

impl Lookup for PublicParameter {
    type Cloud = Aws;

    async fn look_up(cx: &Cx<Aws>, want: &Self) -> Result<PublicParameterOutputs> {
        let found = cx.ssm().get_parameter().name(&want.name).send().await.found()?;
        let parameter = found.and_then(|found| found.parameter);
        let none = || {
            Error::not_found(format!("there is no parameter {:?} in {}", want.name, cx.region()))
        };
        let parameter = parameter.ok_or_else(none)?;
        let version = parameter.version();
        Ok(PublicParameterOutputs { value: parameter.value.unwrap_or_default(), version })
    }

    fn grants(want: &Self) -> Vec<Grant> {
        // AWS's own parameters are in no account.
        let name = want.name.trim_start_matches('/');
        vec![Grant::new("ssm:GetParameter", format!("arn:*:ssm:*::parameter/{name}"))]
    }
}
