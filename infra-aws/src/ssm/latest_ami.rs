//! The newest machine image of a kind.

use infra_core::{
    Outputs, Resource, Value,
    provider::{Cx, Error, Grant, Lookup, Result},
};

use super::PublicParameter;
use crate::{Aws, types::AmiId};

/// The newest machine image that AWS names in a public parameter. Pinned in state: a newer image comes with
/// `--refresh-lookups`, not by surprise.
///
/// Needs `ssm:GetParameter` on the parameter. (Systems Manager user guide, "Calling AMI public parameters".)
#[derive(Resource, Clone, Debug)]
#[resource(kind = "aws:ssm:LatestAmi", outputs = LatestAmiOutputs)]
pub struct LatestAmi {
    /// The public parameter that holds the image's id.
    pub parameter: String,
}

/// The image found.
#[derive(Outputs, Clone, Debug)]
pub struct LatestAmiOutputs {
    /// Its id.
    #[output(stable)]
    pub image_id: AmiId,
}

/// What an image runs on.
#[derive(Value, Clone, Copy, Debug, PartialEq, Eq)]
pub enum Architecture {
    /// Intel and AMD.
    #[value(rename = "x86_64")]
    X86_64,
    /// Graviton.
    #[value(rename = "arm64")]
    Arm64,
}

impl LatestAmi {
    /// Amazon Linux 2023.
    pub fn amazon_linux(architecture: Architecture) -> LatestAmiDecl {
        let architecture = architecture.as_str();
        Self::new(format!(
            "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-{architecture}"
        ))
    }

    /// Amazon Linux 2023 as a node of an EKS cluster of this Kubernetes version. (EKS user guide, "Retrieve
    /// recommended Amazon Linux AMI IDs".)
    pub fn eks_node(version: &str, architecture: Architecture) -> LatestAmiDecl {
        let architecture = architecture.as_str();
        Self::new(format!(
            "/aws/service/eks/optimized-ami/{version}/amazon-linux-2023/{architecture}/standard/recommended/image_id"
        ))
    }
}

impl Lookup for LatestAmi {
    type Cloud = Aws;

    async fn look_up(cx: &Cx<Aws>, want: &Self) -> Result<LatestAmiOutputs> {
        let parameter = PublicParameter { name: want.parameter.clone() };
        let found = PublicParameter::look_up(cx, &parameter).await?;
        let wrong = |_| Error::invalid(format!("{:?} does not hold an image's id", want.parameter));
        Ok(LatestAmiOutputs { image_id: AmiId::new(found.value).map_err(wrong)? })
    }

    fn grants(want: &Self) -> Vec<Grant> {
        PublicParameter::grants(&PublicParameter { name: want.parameter.clone() })
    }
}
