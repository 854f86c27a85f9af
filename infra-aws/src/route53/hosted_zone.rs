//! Hosted zones.

use std::collections::BTreeMap;

use aws_sdk_route53::{
    operation::get_hosted_zone::GetHostedZoneOutput,
    types::{
        Change as ZoneChange, ChangeAction, ChangeBatch, HostedZoneConfig, ResourceRecordSet,
        RrType, Tag, TagResourceType, Vpc, VpcRegion,
    },
};
use infra_core::{
    Outputs, Resource, Value,
    provider::{
        Change, Class, Cx, Find, Grant, Managed, Observed, Once, Operation, Part, Partial, Reason,
        Result, Violation,
    },
    state::StackName,
};

use super::{
    dns::{self, plain, short},
    pending, record,
};
use crate::{
    Aws, batch,
    classify::Classify as _,
    owned,
    policy::{Verb, grants, subject},
    tags,
    types::{Arn, HostedZoneId, Region, VpcId},
};

/// A zone of DNS: `HostedZone::new("example.com")`; with VPCs, one that only they see.
///
/// Another name replaces it, and so does making a public zone private or the other way. It holds data: its name
/// servers are registered elsewhere, and a new zone has others. It is deleted only when it is empty but for its own NS
/// and SOA records, unless `force_destroy`.
///
/// Needs `route53:CreateHostedZone`, `GetHostedZone`, `UpdateHostedZoneComment`, `DeleteHostedZone`,
/// `ListHostedZonesByName`, `ListTagsForResource`, `ChangeTagsForResource`, `GetChange`; for private zones
/// `AssociateVPCWithHostedZone`, `DisassociateVPCFromHostedZone` and `ec2:DescribeVpcs`.
#[derive(Resource, Clone, Debug)]
#[resource(kind = "aws:route53:HostedZone", outputs = HostedZoneOutputs, holds_data)]
pub struct HostedZone {
    /// Its domain. Another replaces it.
    #[field(replace, normalize = dns::normalize)]
    pub name: String,
    /// What it is for.
    pub comment: Option<String>,
    /// The VPCs that see it; none makes it public. The first VPC and the last replace it.
    #[field(key = "vpc")]
    pub vpcs: Vec<ZoneVpc>,
    /// Whether a deletion takes all its records with it.
    #[field(write_only, default = false)]
    pub force_destroy: bool,
    /// Its tags.
    #[field(tags)]
    pub tags: BTreeMap<String, String>,
}

/// A VPC that sees a private zone.
#[derive(Value, Clone, Debug, PartialEq, Eq)]
pub struct ZoneVpc {
    /// The VPC.
    pub vpc: VpcId,
    /// Its region, if it is another.
    #[field(computed)]
    pub region: Option<Region>,
}

/// What a hosted zone gives.
#[derive(Outputs, Clone, Debug)]
pub struct HostedZoneOutputs {
    /// Its id.
    #[output(stable)]
    pub id: HostedZoneId,
    /// Its ARN.
    #[output(stable)]
    pub arn: Arn,
    /// Its domain.
    #[output(stable)]
    pub name: String,
    /// Its name servers: what the domain must be delegated to. Private zones have none.
    #[output(stable)]
    pub name_servers: Vec<String>,
}

impl ZoneVpc {
    fn to_sdk(&self, cx: &Cx<Aws>) -> Vpc {
        let region = self.region.as_ref().map_or(cx.region(), Region::as_str);
        Vpc::builder().vpc_id(self.vpc.as_str()).vpc_region(VpcRegion::from(region)).build()
    }

    fn of(found: &Vpc) -> Option<Self> {
        let region = found.vpc_region().map(|region| Region::trusted(region.as_str()));
        Some(Self { vpc: VpcId::trusted(found.vpc_id()?), region })
    }
}

/// Tags in the SDK's form.
fn tag_list(tags: BTreeMap<String, String>) -> Option<Vec<Tag>> {
    let tags = tags.into_iter().map(|(key, value)| Tag::builder().key(key).value(value).build());
    let tags: Vec<_> = tags.collect();
    (!tags.is_empty()).then_some(tags)
}

/// Tags from the SDK's form.
fn tag_map(tags: &[Tag]) -> BTreeMap<String, String> {
    let tag = |t: &Tag| Some((t.key()?.to_owned(), t.value().unwrap_or_default().to_owned()));
    tags.iter().filter_map(tag).collect()
}

/// `ListTagsForResources` takes this many ids.
const TAGGED: usize = 10;

impl HostedZone {
    /// The zone that this operation made: Route 53 keeps the caller's reference.
    async fn made(cx: &Cx<Aws>, name: &str, op: &Operation) -> Result<Option<String>> {
        let list = cx.route53().list_hosted_zones_by_name();
        let (mut name_from, mut id_from) = (Some(name.to_owned()), None);
        loop {
            let call = list.clone().set_dns_name(name_from).set_hosted_zone_id(id_from);
            let page = call.send().await.classify()?;
            for zone in page.hosted_zones() {
                if plain(zone.name()) != plain(name) {
                    return Ok(None);
                }
                if zone.caller_reference() == op.token() {
                    return Ok(Some(short(zone.id()).to_owned()));
                }
            }
            if !page.is_truncated() {
                return Ok(None);
            }
            name_from = page.next_dns_name().map(str::to_owned);
            id_from = page.next_hosted_zone_id().map(str::to_owned);
        }
    }

    /// Those of the zones whose tags say that they are the stack's.
    async fn of_stack(cx: &Cx<Aws>, stack: &StackName, ids: Vec<String>) -> Result<Vec<String>> {
        let describe = async |ids| {
            let list = cx.route53().list_tags_for_resources();
            let list = list.resource_type(TagResourceType::Hostedzone).set_resource_ids(Some(ids));
            Ok(list.send().await.found()?.map(|found| found.resource_tag_sets))
        };
        let sets = batch::existing(&ids, TAGGED, describe).await?;
        let ours = sets.into_iter().filter(|set| owned::carries(&tag_map(set.tags()), stack));
        Ok(ours.filter_map(|set| set.resource_id).collect())
    }

    fn observed(
        partition: &str,
        id: &str,
        found: &GetHostedZoneOutput,
        all_tags: &BTreeMap<String, String>,
        inputs: Option<&Self>,
    ) -> Observed<Self> {
        let zone = found.hosted_zone();
        let config = zone.and_then(|zone| zone.config());
        let comment =
            config.and_then(HostedZoneConfig::comment).filter(|comment| !comment.is_empty());
        let name = plain(zone.map_or("", |zone| zone.name()));
        let live = Self {
            name: name.clone(),
            comment: comment.map(str::to_owned),
            vpcs: found.vpcs().iter().filter_map(ZoneVpc::of).collect(),
            force_destroy: inputs.is_some_and(|inputs| inputs.force_destroy),
            tags: tags::visible(all_tags),
        };
        let outputs = HostedZoneOutputs {
            id: HostedZoneId::trusted(id),
            arn: Arn::of(partition, "route53", "", "", &format!("hostedzone/{id}")),
            name,
            name_servers: found
                .delegation_set()
                .map(|set| set.name_servers().to_vec())
                .unwrap_or_default(),
        };
        Observed::ready(id, live, outputs).owned_by(all_tags)
    }

    async fn read_one(cx: &Cx<Aws>, find: &Find<'_, Self>) -> Result<Option<Observed<Self>>> {
        let id = match find {
            Find::Id { id, .. } => Some(short(id).to_owned()),
            Find::Made { want, op } => Self::made(cx, &want.name, op).await?,
        };
        let Some(id) = id else { return Ok(None) };
        let Some(found) = cx.route53().get_hosted_zone().id(&id).send().await.found()? else {
            return Ok(None);
        };
        let list = cx.route53().list_tags_for_resource().resource_type(TagResourceType::Hostedzone);
        let answer = list.resource_id(&id).send().await.found()?;
        let set = answer.as_ref().and_then(|answer| answer.resource_tag_set());
        let all_tags = set.map(|set| tag_map(set.tags())).unwrap_or_default();
        let observed = Self::observed(cx.partition(), &id, &found, &all_tags, find.inputs());
        let readiness = pending::readiness(cx, &id).await?;
        Ok(Some(observed.but(readiness)))
    }

    async fn tag(
        cx: &Cx<Aws>,
        id: &str,
        put: BTreeMap<String, String>,
        remove: Vec<String>,
    ) -> Result<()> {
        if put.is_empty() && remove.is_empty() {
            return Ok(());
        }
        let change =
            cx.route53().change_tags_for_resource().resource_type(TagResourceType::Hostedzone);
        let change = change.resource_id(id).set_add_tags(tag_list(put));
        let change = change.set_remove_tag_keys((!remove.is_empty()).then_some(remove));
        change.send().await.classify().map(drop)
    }

    async fn update_vpcs(cx: &Cx<Aws>, id: &str, live: &Self, want: &Self) -> Result<()> {
        let has = |vpcs: &[ZoneVpc], one: &ZoneVpc| vpcs.iter().any(|vpc| vpc.vpc == one.vpc);
        // The last VPC cannot be taken away, so the new ones come first.
        for vpc in want.vpcs.iter().filter(|vpc| !has(&live.vpcs, vpc)) {
            let associate = cx.route53().associate_vpc_with_hosted_zone().hosted_zone_id(id);
            associate.vpc(vpc.to_sdk(cx)).send().await.classify()?;
        }
        for vpc in live.vpcs.iter().filter(|vpc| !has(&want.vpcs, vpc)) {
            let call = cx.route53().disassociate_vpc_from_hosted_zone().hosted_zone_id(id);
            call.vpc(vpc.to_sdk(cx)).send().await.classify()?;
        }
        Ok(())
    }

    /// Deletes all records but the zone's own.
    async fn empty(cx: &Cx<Aws>, id: &str, name: &str) -> Result<()> {
        let own = |set: &ResourceRecordSet| {
            matches!(set.r#type(), RrType::Ns | RrType::Soa) && plain(set.name()) == plain(name)
        };
        let records = record::all(cx, id).await?;
        let delete = |set: &ResourceRecordSet| {
            let change = ZoneChange::builder().action(ChangeAction::Delete);
            change.resource_record_set(set.clone()).build().classify()
        };
        let changes =
            records.iter().filter(|set| !own(set)).map(delete).collect::<Result<Vec<_>>>()?;
        // A batch takes 1,000 changes.
        for changes in changes.chunks(500) {
            let batch =
                ChangeBatch::builder().set_changes(Some(changes.to_vec())).build().classify()?;
            let call = cx.route53().change_resource_record_sets().hosted_zone_id(id);
            call.change_batch(batch).send().await.classify()?;
        }
        Ok(())
    }
}

impl Managed for HostedZone {
    type Cloud = Aws;

    async fn read(cx: &Cx<Aws>, find: &[Find<'_, Self>]) -> Vec<Result<Option<Observed<Self>>>> {
        batch::each(find, |find| Self::read_one(cx, find)).await
    }

    async fn owned(cx: &Cx<Aws>, stack: &StackName) -> Result<Option<Vec<Observed<Self>>>> {
        let mut pages = cx.route53().list_hosted_zones().into_paginator().send();
        let mut ids = Vec::new();
        while let Some(page) = pages.next().await {
            ids.extend(
                page.classify()?.hosted_zones.iter().map(|zone| short(zone.id()).to_owned()),
            );
        }
        owned::read(cx, Self::of_stack(cx, stack, ids).await?).await
    }

    async fn create(cx: &Cx<Aws>, want: &Self, op: &Operation) -> Result<String> {
        let private = !want.vpcs.is_empty();
        let config =
            HostedZoneConfig::builder().set_comment(want.comment.clone()).private_zone(private);
        let create = cx
            .route53()
            .create_hosted_zone()
            .name(&want.name)
            .caller_reference(op.token())
            .hosted_zone_config(config.build())
            .set_vpc(want.vpcs.first().map(|vpc| vpc.to_sdk(cx)));
        let id = match create.send().await.classify() {
            Ok(answer) => {
                let id = answer
                    .hosted_zone()
                    .map(|zone| short(zone.id()).to_owned())
                    .unwrap_or_default();
                pending::remember(cx, &id, answer.change_info());
                id
            }
            // Our own first attempt, whose reply was lost; or somebody else's, which is not ours to take.
            Err(e) if e.class() == Class::Exists => {
                Self::made(cx, &want.name, op).await?.ok_or(e)?
            }
            Err(e) => return Err(e),
        };
        // A zone takes no tags when it is made; the caller's reference finds it until it has them, and a create that
        // was cut off before goes on here when it is called again.
        match Self::tag(cx, &id, cx.tags(&want.tags, op), Vec::new()).await {
            Err(e) if e.class().is_retryable() => Err(e),
            // The zone is there: an error would say that it is not. What is missing is written by `update`.
            _ => Ok(id),
        }
    }

    async fn update(cx: &Cx<Aws>, change: &Change<'_, Self>, op: &Operation) -> Result<()> {
        let (id, want, have) = (change.id()?, change.want()?, change.have()?);
        let live = &have.live;
        if change.touches(Self::COMMENT) {
            let update = cx.route53().update_hosted_zone_comment().id(id);
            update.comment(want.comment.clone().unwrap_or_default()).send().await.classify()?;
        }
        if change.touches(Self::VPCS) {
            Self::update_vpcs(cx, id, live, want).await?;
        }
        if change.touches(Self::TAGS) {
            let (mut put, remove) = tags::changes(&live.tags, &want.tags);
            if have.owner.is_none() {
                put = cx.tags(&want.tags, op);
            }
            Self::tag(cx, id, put, remove).await?;
        }
        Ok(())
    }

    async fn delete(
        cx: &Cx<Aws>,
        have: &Observed<Self>,
        recorded: &Self,
        _: &Operation,
    ) -> Result<()> {
        if recorded.force_destroy {
            Self::empty(cx, &have.id, &have.live.name).await?;
        }
        cx.route53().delete_hosted_zone().id(&have.id).send().await.gone()
    }

    fn grants(change: &Change<'_, Self>) -> Vec<Grant> {
        let id = change.have.map_or("*", |have| have.id.as_str());
        let this = format!("arn:*:route53:::hostedzone/{id}");
        let live = subject(change);
        let private = live.is_some_and(|zone| !zone.vpcs.is_empty());
        let verb = Verb::of(change);
        let mut actions = vec!["route53:GetHostedZone", "route53:ListTagsForResource"];
        let mut all = Vec::new();
        match verb {
            Verb::Search => {
                return grants("*", ["route53:ListHostedZones", "route53:ListTagsForResources"]);
            }
            Verb::Read => {}
            Verb::Create => {
                actions.push("route53:ChangeTagsForResource");
                let create = ["route53:CreateHostedZone", "route53:ListHostedZonesByName"];
                all.extend(grants("*", create));
            }
            Verb::Update => {
                actions
                    .extend(["route53:UpdateHostedZoneComment", "route53:ChangeTagsForResource"]);
            }
            Verb::Delete => {
                actions.push("route53:DeleteHostedZone");
                if live.is_some_and(|zone| zone.force_destroy) {
                    let empty =
                        ["route53:ListResourceRecordSets", "route53:ChangeResourceRecordSets"];
                    actions.extend(empty);
                }
            }
        }
        if private && matches!(verb, Verb::Create | Verb::Update) {
            let vpcs =
                ["route53:AssociateVPCWithHostedZone", "route53:DisassociateVPCFromHostedZone"];
            actions.extend(vpcs);
            all.push(Grant::new("ec2:DescribeVpcs", "*"));
        }
        if verb != Verb::Read {
            all.push(Grant::new("route53:GetChange", "arn:*:route53:::change/*"));
        }
        all.extend(grants(this, actions));
        all
    }

    fn check(want: &Partial<Self>) -> Vec<Violation> {
        match want.get(Self::NAME) {
            Part::Known(name) if plain(&name).is_empty() || name.contains([' ', '/', ':']) => {
                let message = format!("expected a domain like `example.com`, found {name:?}");
                vec![Violation::of(Self::NAME, message)]
            }
            _ => Vec::new(),
        }
    }

    fn replaces(old: &Self, new: &Partial<Self>) -> Option<Reason> {
        // Also of a list with unknown ids the length is known.
        let vpcs = new.value().get("vpcs").and_then(|vpcs| vpcs.as_list()).map_or(0, <[_]>::len);
        let unknown = new.get(Self::VPCS) == Part::Unknown && vpcs == 0;
        let differs = !unknown && old.vpcs.is_empty() != (vpcs == 0);
        let message = "a zone is public or private from the start";
        differs.then(|| Reason::of(Self::VPCS, message))
    }

    fn once() -> Once {
        // The caller's reference is kept for as long as the zone is.
        Once { token: Some(std::time::Duration::from_hours(8760)), ..Once::default() }
    }
}

#[cfg(test)]
mod tests {
    use infra_core::state::Value as State;

    use super::*;

    #[test]
    fn public_and_private_are_two_zones() {
        let zone = HostedZone {
            name: "example.com".to_owned(),
            comment: None,
            vpcs: Vec::new(),
            force_destroy: false,
            tags: BTreeMap::new(),
        };
        let vpc = State::from([("vpc", State::from("vpc-1"))]);
        let private = Partial::new(State::from([("vpcs", State::List(vec![vpc]))]));
        assert!(HostedZone::replaces(&zone, &private).is_some());
        assert!(HostedZone::replaces(&zone, &Partial::new(State::map())).is_none());
    }
}
