//! What an answer, or none, probably means: for the person who must act.

use super::{
    attempt::Came,
    client::{Shows, Silent},
};

/// What it probably means that this came to a call that showed this token.
pub(super) fn of(came: &Came, shows: Shows) -> Option<String> {
    match came {
        Came::Silence(silence) => Some(silent(silence.kind).to_owned()),
        Came::Answer(answer) => status(answer.status, answer.location.as_deref(), shows),
    }
}

fn silent(kind: Silent) -> &'static str {
    match kind {
        Silent::Unknown => {
            "a wrong host, or a load balancer so new that its name is not known everywhere; `outputs url` says what the \
             stack has"
        }
        Silent::Refused => {
            "a wrong host or port, or the load balancer is not ready: no pod of the ledger behind it"
        }
        Silent::Unreachable => {
            "the load balancer is internal (it is, unless the stack has a domain) and this machine is outside its \
             network: run this inside, or forward a port and say --url; else a security group that refuses, or a \
             target group without healthy targets"
        }
        Silent::Untrusted => {
            "the certificate is not for this host or not valid yet, or what listens there does not speak TLS"
        }
        Silent::Closed => {
            "the load balancer has no healthy target, or the pod that had the call ended"
        }
        Silent::Slow => {
            "the ledger waits for its database: a failover takes one to two minutes; then look at the database's events"
        }
        Silent::Long => {
            "something else than the ledger answers, or its search ignores what it is asked for"
        }
        Silent::Other => "nothing that this program knows; the words above are the library's",
    }
}

fn status(status: u16, location: Option<&str>, shows: Shows) -> Option<String> {
    let text = match status {
        300..=399 => {
            let to = location.unwrap_or("nowhere");
            return Some(format!(
                "it redirects to {to}; that is not followed, the token would go with it. If it is the ledger, say it \
                 as --url"
            ));
        }
        401 if shows == Shows::Token => {
            "a wrong token: not this ledger's, or the pods still run with the one before a rotation \
             (`kubectl -n qledger rollout status deployment/qledger`)"
        }
        403 => "something before the ledger refuses the call: the ledger itself never answers 403",
        404 | 405 => {
            "something else than the ledger answers there, or it has a HOST_PREFIX, which then belongs into the URL"
        }
        502..=504 => "the load balancer has no ledger to pass the call to",
        500..=599 => {
            "the ledger cannot use its database, though its /ping, which does not touch it, answers: a failover takes \
             one to two minutes; then look at the database's events and at the pods' logs (a wrong password, a \
             migration cut off)"
        }
        _ => return None,
    };
    Some(text.to_owned())
}
