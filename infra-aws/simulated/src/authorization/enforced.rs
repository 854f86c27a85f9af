//! The policies of a cloud that enforces some.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use super::{
    Ask, Policy, calls,
    evaluate::{Denied, decide},
};
use crate::services::{Access, Service};
use crate::wire::{Failure, fail};

/// Which policies are enforced, and what was asked for while they were.
#[derive(Default)]
pub(crate) struct Enforcement(Mutex<State>);

#[derive(Default)]
struct State {
    policies: Option<Vec<Policy>>,
    asked: BTreeSet<(String, String)>,
}

impl Enforcement {
    pub(crate) fn set(&self, policies: Option<Vec<Policy>>) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *state = State { policies, asked: BTreeSet::new() };
    }

    /// The actions that were asked for, each with its resource.
    pub(crate) fn asked(&self) -> BTreeSet<(String, String)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).asked.clone()
    }

    /// The refusal of a call that is not allowed.
    pub(crate) fn check(&self, access: &mut Access<'_>) -> Result<(), Failure> {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let State { policies: Some(policies), asked } = &mut *state else { return Ok(()) };
        let asks = calls::asks(access);
        asked.extend(asks.iter().map(|ask| (ask.action.clone(), ask.resource.clone())));
        for ask in &asks {
            decide(policies, ask).map_err(|denied| refusal(access, ask, denied))?;
        }
        calls::allowed(access, &asks);
        Ok(())
    }
}

/// The refusal, in the words and with the code of the service.
fn refusal(access: &mut Access<'_>, ask: &Ask, denied: Denied) -> Failure {
    let Ask { action, resource, .. } = ask;
    let who = crate::services::sts::caller(access);
    let why = match denied {
        Denied::Explicitly => {
            format!("with an explicit deny in an identity-based policy: {action}")
        }
        Denied::Implicitly => {
            format!("because no identity-based policy allows the {action} action")
        }
    };
    let message =
        format!("User: {who} is not authorized to perform: {action} on resource: {resource} {why}");
    match access.call.service {
        Service::Ec2 => {
            let message = format!("You are not authorized to perform this operation. {message}");
            fail("UnauthorizedOperation", message).status(403)
        }
        Service::Sns => fail("AuthorizationError", message).status(403),
        Service::Eks => fail("AccessDeniedException", message).status(403),
        Service::Acm
        | Service::Cloudtrail
        | Service::Dynamodb
        | Service::Ecr
        | Service::Kms
        | Service::Logs
        | Service::SecretsManager
        | Service::Ssm
        | Service::Tagging => fail("AccessDeniedException", message),
        _ => fail("AccessDenied", message).status(403),
    }
}
