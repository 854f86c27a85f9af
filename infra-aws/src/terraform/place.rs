//! Where an object of Terraform's is.

use infra_core::{
    state::{ProviderIdentity, Value},
    transfer::terraform::Instance,
};

/// The region, if it is another than that of `default`: from its ARN, or from what else says it.
pub(super) fn place(
    instance: &Instance,
    default: &ProviderIdentity,
) -> Result<Option<Value>, String> {
    let arn = instance.text("arn").or_else(|| instance.id().filter(|id| id.starts_with("arn:")));
    let mut parts = arn.unwrap_or_default().splitn(6, ':').skip(3);
    let (of_arn, account) = (parts.next(), parts.next());
    let own = default.get("account");
    if let (Some(account), Some(own)) = (account.filter(|it| is_account(it)), own)
        && account != own
    {
        return Err(format!(
            "it is in the account {account}, and the stack's provider is in {own}: import it with one that is there"
        ));
    }
    let zone = instance.text("availability_zone");
    let region = instance
        .text("region")
        .or(of_arn.filter(|region| !region.is_empty()))
        .or_else(|| zone.map(|zone| zone.trim_end_matches(|c: char| c.is_ascii_lowercase())));
    Ok(region
        .filter(|region| default.get("region").is_none_or(|own| own != region))
        .map(|region| Value::from([("region", region.into())])))
}

/// Policies of AWS itself have `aws` where others have an account.
fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|c| c.is_ascii_digit())
}
