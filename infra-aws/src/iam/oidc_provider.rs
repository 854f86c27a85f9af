//! OIDC identity providers.

use std::collections::BTreeMap;

use infra_core::{
    Outputs, Resource,
    provider::{
        Change, Cx, Error, Find, Grant, Managed, Observed, Once, Operation, Partial, Result,
        Violation,
    },
    state::StackName,
};

use super::tag;
use crate::{
    Aws, batch,
    classify::Classify as _,
    owned,
    policy::{Verb, grants, subject},
    tags,
    types::Arn,
};

/// An issuer of OIDC tokens that IAM trusts: a CI system, or an EKS cluster's service accounts.
///
/// One per issuer and account. Another URL replaces it.
///
/// Deploying needs `iam:CreateOpenIDConnectProvider`, `GetOpenIDConnectProvider`,
/// `Add/RemoveClientID…OpenIDConnectProvider`, `UpdateOpenIDConnectProviderThumbprint`,
/// `TagOpenIDConnectProvider`, `UntagOpenIDConnectProvider`, `DeleteOpenIDConnectProvider` on it. (IAM API
/// reference; `ThumbprintList` is optional since AWS checks issuers against its own authorities.)
#[derive(Resource, Clone, Debug)]
#[resource(kind = "aws:iam:OidcProvider", outputs = OidcProviderOutputs)]
pub struct OidcProvider {
    /// The issuer: `https://token.actions.githubusercontent.com`. Another one replaces it.
    #[field(replace)]
    pub url: String,
    /// The audiences that tokens may be for, like `sts.amazonaws.com`.
    #[field(set)]
    pub client_ids: Vec<String>,
    /// SHA-1 thumbprints of the certificates that may sign for the issuer; AWS finds them if left out.
    #[field(set, computed)]
    pub thumbprints: Option<Vec<String>>,
    /// Its tags.
    #[field(tags)]
    pub tags: BTreeMap<String, String>,
}

/// What an identity provider gives.
#[derive(Outputs, Clone, Debug)]
pub struct OidcProviderOutputs {
    /// Its ARN, for `Principal::federated`.
    #[output(stable)]
    pub arn: Arn,
    /// The issuer without `https://`: what the condition keys of its tokens begin with.
    #[output(stable)]
    pub issuer: String,
}

fn issuer(url: &str) -> &str {
    url.strip_prefix("https://").unwrap_or(url).trim_end_matches('/')
}

impl OidcProvider {
    fn arn(&self, cx: &Cx<Aws>) -> String {
        let resource = format!("oidc-provider/{}", issuer(&self.url));
        Arn::of(cx.partition(), "iam", "", cx.account(), &resource).to_string()
    }

    async fn read_one(cx: &Cx<Aws>, find: &Find<'_, Self>) -> Result<Option<Observed<Self>>> {
        let made = || find.inputs().map(|want| want.arn(cx));
        let arn = find.id().map(str::to_owned).or_else(made).unwrap_or_default();
        let get = cx.iam().get_open_id_connect_provider().open_id_connect_provider_arn(&arn);
        let Some(found) = get.send().await.found()? else { return Ok(None) };
        let all = tag::map(found.tags());
        // IAM gives the issuer without its scheme; the form it was declared in is kept.
        let read = found.url().unwrap_or_default();
        let declared = find.inputs().map(|inputs| inputs.url.as_str());
        let url = match declared {
            Some(url) if issuer(url) == issuer(read) => url.to_owned(),
            _ => format!("https://{}", issuer(read)),
        };
        let live = Self {
            url,
            client_ids: found.client_id_list().to_vec(),
            thumbprints: Some(found.thumbprint_list().to_vec()),
            tags: tags::visible(&all),
        };
        let outputs = OidcProviderOutputs {
            arn: Arn::trusted(arn.clone()),
            issuer: issuer(&live.url).to_owned(),
        };
        Ok(Some(Observed::ready(arn, live, outputs).owned_by(&all)))
    }
}

impl Managed for OidcProvider {
    type Cloud = Aws;

    async fn read(cx: &Cx<Aws>, find: &[Find<'_, Self>]) -> Vec<Result<Option<Observed<Self>>>> {
        batch::each(find, |find| Self::read_one(cx, find)).await
    }

    async fn owned(cx: &Cx<Aws>, stack: &StackName) -> Result<Option<Vec<Observed<Self>>>> {
        let list = cx.iam().list_open_id_connect_providers().send().await.classify()?;
        let providers = list.open_id_connect_provider_list.unwrap_or_default();
        owned::of_stack(cx, stack, providers.into_iter().filter_map(|it| it.arn).collect()).await
    }

    async fn create(cx: &Cx<Aws>, want: &Self, op: &Operation) -> Result<String> {
        let created = cx
            .iam()
            .create_open_id_connect_provider()
            .url(&want.url)
            .set_client_id_list(Some(want.client_ids.clone()))
            .set_thumbprint_list(want.thumbprints.clone())
            .set_tags(Some(tag::list(&cx.tags(&want.tags, op))?))
            .send()
            .await
            .classify()?;
        let none = || Error::invalid("CreateOpenIDConnectProvider gave no ARN");
        created.open_id_connect_provider_arn.ok_or_else(none)
    }

    async fn update(cx: &Cx<Aws>, change: &Change<'_, Self>, _: &Operation) -> Result<()> {
        let (arn, want, iam) = (change.id()?, change.want()?, cx.iam());
        let have = &change.have()?.live;
        if change.touches(Self::CLIENT_IDS) {
            for id in want.client_ids.iter().filter(|id| !have.client_ids.contains(id)) {
                let add = iam.add_client_id_to_open_id_connect_provider().client_id(id);
                add.open_id_connect_provider_arn(arn).send().await.classify()?;
            }
            for id in have.client_ids.iter().filter(|id| !want.client_ids.contains(id)) {
                let remove = iam.remove_client_id_from_open_id_connect_provider().client_id(id);
                remove.open_id_connect_provider_arn(arn).send().await.classify()?;
            }
        }
        if change.touches(Self::THUMBPRINTS)
            && let Some(thumbprints) = &want.thumbprints
        {
            let update = iam.update_open_id_connect_provider_thumbprint();
            let update = update.set_thumbprint_list(Some(thumbprints.clone()));
            update.open_id_connect_provider_arn(arn).send().await.classify()?;
        }
        if change.touches(Self::TAGS) {
            let (put, remove) = tags::changes(&have.tags, &want.tags);
            if !remove.is_empty() {
                let untag = iam.untag_open_id_connect_provider().open_id_connect_provider_arn(arn);
                untag.set_tag_keys(Some(remove)).send().await.classify()?;
            }
            if !put.is_empty() {
                let tag = iam.tag_open_id_connect_provider().open_id_connect_provider_arn(arn);
                tag.set_tags(Some(tag::list(&put)?)).send().await.classify()?;
            }
        }
        Ok(())
    }

    async fn delete(cx: &Cx<Aws>, have: &Observed<Self>, _: &Self, _: &Operation) -> Result<()> {
        let delete = cx.iam().delete_open_id_connect_provider();
        delete.open_id_connect_provider_arn(&have.id).send().await.gone()
    }

    fn grants(change: &Change<'_, Self>) -> Vec<Grant> {
        let it = subject(change);
        let issuer = it.map_or("*", |it| issuer(&it.url));
        let mut actions = vec!["iam:GetOpenIDConnectProvider"];
        match Verb::of(change) {
            Verb::Search => {
                let list = ["iam:ListOpenIDConnectProviders", "iam:GetOpenIDConnectProvider"];
                return grants("*", list);
            }
            Verb::Read => {}
            Verb::Create => {
                actions.extend(["iam:CreateOpenIDConnectProvider", "iam:TagOpenIDConnectProvider"]);
            }
            Verb::Delete => actions.push("iam:DeleteOpenIDConnectProvider"),
            Verb::Update => {
                if change.touches(Self::CLIENT_IDS) {
                    actions.extend([
                        "iam:AddClientIDToOpenIDConnectProvider",
                        "iam:RemoveClientIDFromOpenIDConnectProvider",
                    ]);
                }
                if change.touches(Self::THUMBPRINTS) {
                    actions.push("iam:UpdateOpenIDConnectProviderThumbprint");
                }
                if change.touches(Self::TAGS) {
                    let both = ["iam:TagOpenIDConnectProvider", "iam:UntagOpenIDConnectProvider"];
                    actions.extend(both);
                }
            }
        }
        grants(format!("arn:*:iam::*:oidc-provider/{issuer}"), actions)
    }

    fn check(want: &Partial<Self>) -> Vec<Violation> {
        let url = want.get(Self::URL).known().filter(|url| !url.starts_with("https://"));
        let message = |url| format!("expected a URL that begins with `https://`, found {url:?}");
        url.map(|url| Violation::of(Self::URL, message(url))).into_iter().collect()
    }

    fn once() -> Once {
        Once { by_name: true, ..Once::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::issuer;

    #[test]
    fn the_issuer_is_the_url_without_its_scheme() {
        assert_eq!(
            issuer("https://oidc.eks.eu-west-1.amazonaws.com/id/A/"),
            "oidc.eks.eu-west-1.amazonaws.com/id/A"
        );
        assert_eq!(issuer("token.example.com"), "token.example.com");
    }
}
