//! STS: who we are.

use infra_core::{
    Outputs, Resource,
    provider::{Cx, Lookup, Result},
};

use crate::{
    Aws,
    classify::Classify as _,
    types::{AccountId, Arn},
};

/// Who the credentials are: the account, and the ARN of the role session or user. Needs no permission.
#[derive(Resource, Clone, Debug)]
#[resource(kind = "aws:sts:CallerIdentity", outputs = CallerIdentityOutputs)]
pub struct CallerIdentity {}

/// Who the credentials are.
#[derive(Outputs, Clone, Debug)]
pub struct CallerIdentityOutputs {
    /// The account.
    #[output(stable)]
    pub account: AccountId,
    /// The user, or the session of a role.
    #[output(stable)]
    pub arn: Arn,
    /// The unique id of the user, or of the role and session.
    #[output(stable)]
    pub user_id: String,
}

impl Lookup for CallerIdentity {
    type Cloud = Aws;

    async fn look_up(cx: &Cx<Aws>, _: &Self) -> Result<CallerIdentityOutputs> {
        let found = cx.sts().get_caller_identity().send().await.classify()?;
        Ok(CallerIdentityOutputs {
            account: AccountId::trusted(found.account.unwrap_or_default()),
            arn: Arn::trusted(found.arn.unwrap_or_default()),
            user_id: found.user_id.unwrap_or_default(),
        })
    }
}

crate::kinds! { ; lookups: CallerIdentity }
