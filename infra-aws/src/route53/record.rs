//! Records.

use std::{collections::BTreeMap, sync::Arc};

use aws_sdk_route53::types::{
    AliasTarget, Change as ZoneChange, ChangeAction, ChangeBatch, ResourceRecord, ResourceRecordSet,
};
use infra_core::{
    Outputs, Resource, Value,
    provider::{
        Change, Cx, Error, Find, Grant, Managed, Observed, Once, Operation, Part, Partial, Result,
        Timeouts, Violation,
    },
};

use super::{
    RecordType,
    dns::{self, plain, quoted, short},
    pending,
};
use crate::{
    Aws, batch,
    classify::Classify as _,
    policy::{Verb, grants, subject},
    types::{HostedZoneId, spelled},
};

/// A record of a zone: `Record::new(&zone.id, "app.example.com", RecordType::A).alias(Alias::new(&lb.dns_name,
/// &lb.hosted_zone_id))`, or with `values`.
///
/// Another zone, name, type or set identifier replaces it; values, alias and the rest change in place. A record that is
/// there already is never overwritten. It is ready when all name servers have it. Records of a zone are written side by
/// side: what Route 53 cannot take yet (`PriorRequestNotComplete`) is tried again, where a lock would wait for each.
///
/// Needs `route53:ChangeResourceRecordSets` and `ListResourceRecordSets` on the zone, and `route53:GetChange`.
#[derive(Resource, Clone, Debug)]
#[resource(
    kind = "aws:route53:Record",
    outputs = RecordOutputs,
    delete_before_replace = "a zone has a record of a name and type once"
)]
pub struct Record {
    /// The zone. Another replaces it.
    #[field(replace)]
    pub zone: HostedZoneId,
    /// Its full name, `app.example.com`. Another replaces it.
    #[field(replace, normalize = dns::normalize)]
    pub name: String,
    /// What it says. Another type replaces it.
    #[field(replace)]
    pub kind: RecordType,
    /// What it says. Text need not be quoted.
    #[field(set)]
    pub values: Vec<String>,
    /// Seconds that it may be kept by others; 300 for records with values. An alias has none.
    #[field(computed)]
    pub ttl: Option<i64>,
    /// It answers what another name of AWS answers, at the zone's apex too and without a fee.
    pub alias: Option<Alias>,
    /// Tells it from others of its name and type, which need a weight. Another replaces it.
    #[field(replace)]
    pub set_identifier: Option<String>,
    /// Its share of the answers among those of its name and type.
    pub weight: Option<i64>,
    /// The health check without which it is not answered.
    pub health_check: Option<String>,
}

/// What an alias points at.
#[derive(Value, Clone, Debug, PartialEq, Eq)]
pub struct Alias {
    /// The name in DNS: a load balancer's `dns_name`.
    #[field(normalize = dns::normalize)]
    pub name: String,
    /// The hosted zone of that name: a load balancer's `hosted_zone_id`, not the record's own zone.
    pub zone: HostedZoneId,
    /// Whether it is answered only while its target is healthy.
    #[field(default = true)]
    pub evaluate_health: bool,
}

/// What a record gives.
#[derive(Outputs, Clone, Debug)]
pub struct RecordOutputs {
    /// Its name, once all name servers have it.
    #[output(stable)]
    pub name: String,
}

/// `ListResourceRecordSets` from here on.
async fn list(
    cx: &Cx<Aws>,
    zone: &str,
    from: Option<&Record>,
) -> Result<Option<Vec<ResourceRecordSet>>> {
    let list = cx.route53().list_resource_record_sets().hosted_zone_id(zone);
    if let Some(record) = from {
        let list =
            list.start_record_name(&record.name).start_record_type(record.kind.as_str().into());
        let list = list.set_start_record_identifier(record.set_identifier.clone()).max_items(1);
        let answer = list.send().await.found()?;
        return Ok(answer.map(|answer| answer.resource_record_sets().to_vec()));
    }
    let (mut all, mut name, mut kind, mut identifier) = (Vec::new(), None, None, None);
    loop {
        let call = list.clone().set_start_record_name(name).set_start_record_type(kind);
        let page = call.set_start_record_identifier(identifier).send().await.found()?;
        let Some(page) = page else { return Ok(None) };
        all.extend_from_slice(page.resource_record_sets());
        if !page.is_truncated() {
            return Ok(Some(all));
        }
        name = page.next_record_name().map(str::to_owned);
        kind = page.next_record_type().cloned();
        identifier = page.next_record_identifier().map(str::to_owned);
    }
}

/// All records of a zone; none if the zone is gone.
pub(super) async fn all(cx: &Cx<Aws>, zone: &str) -> Result<Vec<ResourceRecordSet>> {
    Ok(list(cx, zone, None).await?.unwrap_or_default())
}

impl Record {
    /// `ZONE|NAME|TYPE|SET`; the last is empty for a simple record.
    fn id(&self) -> String {
        let set = self.set_identifier.as_deref().unwrap_or_default();
        format!("{}|{}|{}|{set}", self.zone, plain(&self.name), self.kind.as_str())
    }

    fn of(id: &str) -> Result<Self> {
        let parts: Vec<_> = id.splitn(4, '|').collect();
        let [zone, name, kind, ref set @ ..] = parts[..] else {
            return Err(Error::invalid(format!(
                "expected ZONE|NAME|TYPE|SET_IDENTIFIER, found {id:?}"
            )));
        };
        Ok(Self {
            zone: HostedZoneId::trusted(short(zone)),
            name: plain(name),
            kind: spelled(kind)?,
            values: Vec::new(),
            ttl: None,
            alias: None,
            set_identifier: set.first().filter(|set| !set.is_empty()).map(|set| (*set).to_owned()),
            weight: None,
            health_check: None,
        })
    }

    fn is(&self, set: &ResourceRecordSet) -> bool {
        plain(set.name()) == plain(&self.name)
            && set.r#type().as_str() == self.kind.as_str()
            && set.set_identifier() == self.set_identifier.as_deref()
    }

    /// A value as Route 53 keeps it.
    fn written(&self, value: &str) -> String {
        if self.kind.is_text() { quoted(value) } else { value.to_owned() }
    }

    fn to_sdk(&self) -> Result<ResourceRecordSet> {
        let record = |value: &String| {
            ResourceRecord::builder().value(self.written(value)).build().classify()
        };
        let records = self.values.iter().map(record).collect::<Result<Vec<_>>>()?;
        let alias = self.alias.as_ref().map(|alias| {
            let target =
                AliasTarget::builder().dns_name(&alias.name).hosted_zone_id(alias.zone.as_str());
            target.evaluate_target_health(alias.evaluate_health).build().classify()
        });
        let ttl = (!records.is_empty()).then(|| self.ttl.unwrap_or(300));
        let set = ResourceRecordSet::builder()
            .name(plain(&self.name))
            .r#type(self.kind.as_str().into())
            .set_ttl(ttl)
            .set_resource_records((!records.is_empty()).then_some(records))
            .set_alias_target(alias.transpose()?)
            .set_set_identifier(self.set_identifier.clone())
            .set_weight(self.weight)
            .set_health_check_id(self.health_check.clone());
        set.build().classify()
    }

    /// The record as it is, its values as `inputs` write them.
    fn live(&self, found: &ResourceRecordSet, inputs: Option<&Self>) -> Self {
        let shown = |record: &ResourceRecord| {
            let declared = inputs.iter().flat_map(|inputs| &inputs.values);
            let same = declared.into_iter().find(|value| self.written(value) == record.value());
            same.cloned().unwrap_or_else(|| record.value().to_owned())
        };
        let alias = found.alias_target().map(|alias| {
            let name = plain(alias.dns_name());
            // The console writes `dualstack.` in front of load balancers' names, which changes nothing.
            let name = name.strip_prefix("dualstack.").map(str::to_owned).unwrap_or(name);
            let zone = HostedZoneId::trusted(alias.hosted_zone_id());
            Alias { name, zone, evaluate_health: alias.evaluate_target_health() }
        });
        Self {
            zone: self.zone.clone(),
            name: plain(found.name()),
            kind: self.kind,
            values: found.resource_records().iter().map(shown).collect(),
            ttl: found.ttl(),
            alias,
            set_identifier: found.set_identifier().map(str::to_owned),
            weight: found.weight(),
            health_check: found.health_check_id().map(str::to_owned),
        }
    }

    async fn find(
        cx: &Cx<Aws>,
        asked: &Self,
        whole_zone: bool,
    ) -> Result<Option<ResourceRecordSet>> {
        let zone = asked.zone.as_str();
        if whole_zone {
            let records: Arc<Vec<ResourceRecordSet>> =
                cx.memo(&format!("route53:records:{zone}"), || all(cx, zone)).await?;
            return Ok(records.iter().find(|set| asked.is(set)).cloned());
        }
        let found = list(cx, zone, Some(asked)).await?.unwrap_or_default();
        Ok(found.into_iter().find(|set| asked.is(set)))
    }

    async fn read_one(
        cx: &Cx<Aws>,
        find: &Find<'_, Self>,
        whole_zone: bool,
    ) -> Result<Option<Observed<Self>>> {
        let asked = match find {
            Find::Id { id, .. } => Self::of(id)?,
            Find::Made { want, .. } => (*want).clone(),
        };
        let Some(found) = Self::find(cx, &asked, whole_zone).await? else { return Ok(None) };
        let live = asked.live(&found, find.inputs());
        let id = live.id();
        let outputs = RecordOutputs { name: live.name.clone() };
        let readiness = pending::readiness(cx, &id).await?;
        Ok(Some(Observed::ready(id, live, outputs).but(readiness)))
    }

    async fn change(
        cx: &Cx<Aws>,
        zone: &str,
        id: &str,
        action: ChangeAction,
        set: ResourceRecordSet,
    ) -> Result<()> {
        let change =
            ZoneChange::builder().action(action).resource_record_set(set).build().classify()?;
        let batch = ChangeBatch::builder().changes(change).build().classify()?;
        let call = cx.route53().change_resource_record_sets().hosted_zone_id(zone);
        let answer = call.change_batch(batch).send().await.classify()?;
        pending::remember(cx, id, answer.change_info());
        Ok(())
    }
}

impl Managed for Record {
    type Cloud = Aws;

    async fn read(cx: &Cx<Aws>, find: &[Find<'_, Self>]) -> Vec<Result<Option<Observed<Self>>>> {
        // A page has 300 records: from a few on the whole zone costs fewer calls than each record.
        let mut asked: BTreeMap<&str, usize> = BTreeMap::new();
        let zone = |find: &Find<'_, Self>| match *find {
            Find::Id { id, .. } => id.split('|').next().unwrap_or_default().to_owned(),
            Find::Made { want, .. } => want.zone.to_string(),
        };
        let zones: Vec<_> = find.iter().map(zone).collect();
        for zone in &zones {
            *asked.entry(zone).or_default() += 1;
        }
        let with_zones: Vec<_> = find.iter().zip(&zones).collect();
        let asked = &asked;
        batch::each(&with_zones, |(find, zone)| {
            let whole_zone = asked.get(zone.as_str()).is_some_and(|count| *count > 3);
            Self::read_one(cx, find, whole_zone)
        })
        .await
    }

    async fn create(cx: &Cx<Aws>, want: &Self, _: &Operation) -> Result<String> {
        let id = want.id();
        Self::change(cx, want.zone.as_str(), &id, ChangeAction::Create, want.to_sdk()?).await?;
        Ok(id)
    }

    async fn update(cx: &Cx<Aws>, change: &Change<'_, Self>, _: &Operation) -> Result<()> {
        let (id, want) = (change.id()?, change.want()?);
        Self::change(cx, want.zone.as_str(), id, ChangeAction::Upsert, want.to_sdk()?).await
    }

    async fn delete(cx: &Cx<Aws>, have: &Observed<Self>, _: &Self, _: &Operation) -> Result<()> {
        // Route 53 wants to hear everything the record says, as it says it.
        let asked = Self::of(&have.id)?;
        let Some(found) = Self::find(cx, &asked, false).await? else { return Ok(()) };
        match Self::change(cx, asked.zone.as_str(), &have.id, ChangeAction::Delete, found).await {
            Err(e) if e.class() == infra_core::provider::Class::NotFound => Ok(()),
            done => done,
        }
    }

    fn grants(change: &Change<'_, Self>) -> Vec<Grant> {
        let Some(record) = subject(change) else { return Vec::new() };
        let zone = format!("arn:*:route53:::hostedzone/{}", record.zone.as_str());
        let mut all = grants(&*zone, ["route53:ListResourceRecordSets"]);
        if Verb::of(change) != Verb::Read {
            all.extend(grants(zone, ["route53:ChangeResourceRecordSets"]));
            all.extend(grants("arn:*:route53:::change/*", ["route53:GetChange"]));
        }
        all
    }

    fn check(want: &Partial<Self>) -> Vec<Violation> {
        let mut violations = Vec::new();
        let values = want.get(Self::VALUES) != Part::Unset;
        let alias = want.get(Self::ALIAS) != Part::Unset;
        if values == alias {
            let found = if values { "both" } else { "neither" };
            let message = format!("expected either values or an alias, found {found}");
            violations.push(Violation::of(Self::VALUES, message));
        }
        if alias && want.get(Self::TTL) != Part::Unset {
            violations
                .push(Violation::of(Self::TTL, "expected no ttl: an alias has that of its target"));
        }
        let (weight, set) =
            (want.get(Self::WEIGHT) != Part::Unset, want.get(Self::SET_IDENTIFIER) != Part::Unset);
        if weight != set {
            let message = "expected a weight and a set identifier together, found one of them";
            violations.push(Violation::of(Self::SET_IDENTIFIER, message));
        }
        violations
    }

    fn once() -> Once {
        Once { by_name: true, ..Once::default() }
    }

    fn timeouts() -> Timeouts {
        Timeouts::minutes(30)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(kind: RecordType, values: &[&str]) -> Record {
        let mut record = Record::of(&format!("Z1|App.example.com.|{}|", kind.as_str())).unwrap();
        record.values = values.iter().map(|value| (*value).to_owned()).collect();
        record
    }

    #[test]
    fn records_come_back_as_they_went() {
        let text = record(RecordType::Txt, &["v=spf1 -all"]);
        let sent = text.to_sdk().unwrap();
        assert_eq!(sent.resource_records()[0].value(), "\"v=spf1 -all\"");
        assert_eq!(text.live(&sent, Some(&text)).values, text.values);
        assert_eq!(text.live(&sent, None).values, ["\"v=spf1 -all\""]);
        assert_eq!(sent.ttl(), Some(300));
        let mut alias = record(RecordType::A, &[]);
        let (name, zone) =
            ("dualstack.LB.elb.amazonaws.com.".to_owned(), HostedZoneId::trusted("Z2"));
        alias.alias = Some(Alias { name, zone, evaluate_health: true });
        let sent = alias.to_sdk().unwrap();
        assert_eq!(sent.ttl(), None);
        assert_eq!(alias.live(&sent, None).alias.unwrap().name, "lb.elb.amazonaws.com");
    }

    #[test]
    fn the_id_is_enough() {
        let asked = Record::of("Z1|*.example.com|A|blue").unwrap();
        assert_eq!(
            (asked.name.as_str(), asked.set_identifier.as_deref()),
            ("*.example.com", Some("blue"))
        );
        assert_eq!(asked.id(), "Z1|*.example.com|A|blue");
        assert!(Record::of("Z1|x").is_err() && Record::of("Z1|x|WHAT|").is_err());
        let found = ResourceRecordSet::builder()
            .name("\\052.example.com.")
            .r#type("A".into())
            .set_identifier("blue");
        assert!(asked.is(&found.build().unwrap()));
    }
}
