//! The lease: one item a stack, changed by conditional updates only.

use std::fmt::Display;

use aws_sdk_dynamodb::{
    Client,
    operation::{
        get_item::GetItemError,
        update_item::{UpdateItemError, builders::UpdateItemFluentBuilder},
    },
    types::{AttributeValue, ReturnValue, ReturnValuesOnConditionCheckFailure},
};
use uuid::Uuid;

use super::{
    S3Address,
    answer::Answer as _,
    item::{FORMAT, Item, KEY, KIND, Standing},
};
use crate::{
    Error, ErrorKind, HolderInfo, Result,
    backend::{Claim, Grant, Guard, Taken},
};

/// Who may change an item: it is a lease that this program understands. Nothing else is ever written to.
const OURS: &str = "#kind = :kind AND #format = :format";

/// The table's leases.
#[derive(Clone, Debug)]
pub(super) struct Leases {
    pub(super) client: Client,
    pub(super) place: S3Address,
}

/// A lease in a table is not freed by a drop: it runs out.
#[derive(Debug)]
struct Unguarded;

impl Guard for Unguarded {
    fn holds(&self) -> bool {
        true
    }
}

/// What became of a conditional update.
enum Updated {
    /// Made; this is the item now.
    Done(Item),
    /// The condition did not hold; this is what is there, if the answer said it.
    Refused(Option<Item>),
}

impl Leases {
    /// Counts up and writes the holder in one update, so that no two get the same epoch. The epoch stays in the item
    /// when the lease is freed.
    pub(super) async fn take(
        &self,
        stack: &str,
        claim: &Claim,
        over: Option<Uuid>,
    ) -> Result<Taken> {
        let free = "attribute_not_exists(#nonce) OR #nonce = :nonce";
        let free =
            if over.is_some() { format!("{free} OR #beat = :over") } else { free.to_owned() };
        let condition = format!("attribute_not_exists(#id) OR ({OURS} AND ({free}))");
        let set = "SET #kind = :kind, #format = :format, #nonce = :nonce, #beat = :beat, #who = :who, \
                   #command = :command, #pid = :pid, #since = :since ADD #epoch :one";
        // Each time round, the lease was given back between the refusal and our reading who has it.
        for _ in 0..5 {
            let update = self.update(stack).condition_expression(&condition).update_expression(set);
            let update = name(update, &["kind", "format", "nonce", "beat", "who", "command"]);
            let update = name(update, &["pid", "since", "epoch"])
                .expression_attribute_names("#id", KEY)
                .expression_attribute_values(":nonce", text(claim.nonce))
                .expression_attribute_values(":beat", text(claim.beat))
                .expression_attribute_values(":who", text(&claim.holder.who))
                .expression_attribute_values(":command", text(&claim.holder.command))
                .expression_attribute_values(":pid", number(claim.holder.pid))
                .expression_attribute_values(":since", text(claim.at))
                .expression_attribute_values(":one", number(1))
                .set_return_values(Some(ReturnValue::AllNew));
            let update = match over {
                Some(over) => update.expression_attribute_values(":over", text(over)),
                None => update,
            };
            let there = match self.send(update).await? {
                Updated::Done(item) => {
                    let epoch = self.read(stack, &item)?.epoch;
                    return Ok(Taken::Granted(Grant { epoch, guard: Box::new(Unguarded) }));
                }
                Updated::Refused(Some(item)) => Some(self.read(stack, &item)?),
                Updated::Refused(None) => self.standing(stack).await?,
            };
            let holder = there.and_then(|standing| standing.holder);
            if let Some(holder) = holder.filter(|holder| holder.nonce != claim.nonce) {
                return Ok(Taken::Held(holder));
            }
        }
        let message = format!("the lease of {stack} changes hands faster than it can be read");
        Err(Error::new(ErrorKind::Unavailable, message))
    }

    pub(super) async fn renew(&self, stack: &str, nonce: Uuid, beat: Uuid) -> Result<bool> {
        let update = self
            .held_by(stack, nonce)
            .update_expression("SET #beat = :beat")
            .expression_attribute_values(":beat", text(beat));
        let updated = self.send(name(update, &["beat"])).await?;
        Ok(matches!(updated, Updated::Done(_)))
    }

    /// Removes the holder and keeps the epoch.
    pub(super) async fn free(&self, stack: &str, nonce: Uuid) -> Result<bool> {
        let remove = "REMOVE #nonce, #beat, #who, #command, #pid, #since";
        let update = self.held_by(stack, nonce).update_expression(remove);
        let update = name(update, &["beat", "who", "command", "pid", "since"]);
        Ok(matches!(self.send(update).await?, Updated::Done(_)))
    }

    pub(super) async fn holder(&self, stack: &str) -> Result<Option<HolderInfo>> {
        Ok(self.standing(stack).await?.and_then(|standing| standing.holder))
    }

    async fn standing(&self, stack: &str) -> Result<Option<Standing>> {
        let Self { client, place } = self;
        let get = client
            .get_item()
            .table_name(&place.table)
            .key(KEY, text(place.lock_id(stack)))
            .consistent_read(true);
        match get.send().await {
            // Where there is no table nobody holds anything, and a state can be read without one.
            Err(e)
                if e.as_service_error()
                    .is_some_and(GetItemError::is_resource_not_found_exception) =>
            {
                Ok(None)
            }
            got => {
                let got = got.answer(place, "dynamodb:GetItem")?;
                got.item().map(|item| self.read(stack, item)).transpose()
            }
        }
    }

    fn read(&self, stack: &str, item: &Item) -> Result<Standing> {
        Standing::read(&self.place.table, &self.place.lock_id(stack), item)
    }

    fn update(&self, stack: &str) -> UpdateItemFluentBuilder {
        self.client
            .update_item()
            .table_name(&self.place.table)
            .key(KEY, text(self.place.lock_id(stack)))
            .expression_attribute_values(":kind", text(KIND))
            .expression_attribute_values(":format", AttributeValue::N(FORMAT.to_owned()))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
    }

    /// An update that is made only while `nonce` holds the lease.
    fn held_by(&self, stack: &str, nonce: Uuid) -> UpdateItemFluentBuilder {
        let update = self
            .update(stack)
            .condition_expression(format!("{OURS} AND #nonce = :nonce"))
            .expression_attribute_values(":nonce", text(nonce));
        name(update, &["kind", "format", "nonce"])
    }

    async fn send(&self, update: UpdateItemFluentBuilder) -> Result<Updated> {
        match update.send().await {
            Ok(done) => Ok(Updated::Done(done.attributes.unwrap_or_default())),
            Err(error) => match error.as_service_error() {
                Some(UpdateItemError::ConditionalCheckFailedException(refused)) => {
                    Ok(Updated::Refused(refused.item().cloned()))
                }
                _ => Err(error).answer(&self.place, "dynamodb:UpdateItem"),
            },
        }
    }
}

/// Declares `#name` for each, because some of them are words of the expressions' language.
fn name(update: UpdateItemFluentBuilder, names: &[&str]) -> UpdateItemFluentBuilder {
    names
        .iter()
        .fold(update, |update, name| update.expression_attribute_names(format!("#{name}"), *name))
}

fn text(value: impl Display) -> AttributeValue {
    AttributeValue::S(format!("{value}"))
}

fn number(value: u32) -> AttributeValue {
    AttributeValue::N(value.to_string())
}
