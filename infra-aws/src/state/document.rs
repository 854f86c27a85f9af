//! One object of S3, read as it is: a Terraform state that others keep.

use aws_sdk_s3::operation::get_object::GetObjectError;
use infra_core::{Error, ErrorKind, Result, app::Address, state::backend::S3Address};

use super::PATIENCE;

/// Reads `s3://bucket/key` (`?region=…`): `App::documents("s3", infra_aws::state::document)`.
///
/// It is read where the stack's state would be opened: from the embedded AWS on the cloud `simulated`, else from AWS.
pub async fn document(address: Address) -> Result<Vec<u8>> {
    let url = address.url.clone();
    let wrong = || {
        let message = format!("expected `s3://bucket/key`, found {url:?}");
        Error::new(ErrorKind::Usage, message)
    };
    let (path, query) = address.rest().split_once('?').unwrap_or((address.rest(), ""));
    let (bucket, key) =
        path.split_once('/').filter(|(_, key)| !key.is_empty()).ok_or_else(wrong)?;
    let region = match query {
        "" => None,
        query => Some(query.strip_prefix("region=").ok_or_else(wrong)?.to_owned()),
    };
    let place = S3Address {
        bucket: bucket.to_owned(),
        prefix: String::new(),
        table: String::new(),
        region,
        lease: PATIENCE,
    };
    let (sdk, path_style) = super::sdk(&address, &place).await?;
    let retry = aws_config::retry::RetryConfig::standard();
    let config = aws_sdk_s3::config::Builder::from(&sdk)
        .force_path_style(path_style)
        .retry_config(retry)
        .build();
    let got =
        aws_sdk_s3::Client::from_conf(config).get_object().bucket(bucket).key(key).send().await;
    let object = got.map_err(|e| {
        let missing = e.as_service_error().is_some_and(GetObjectError::is_no_such_key);
        let kind = if missing { ErrorKind::Usage } else { ErrorKind::Failed };
        let what = aws_sdk_s3::error::DisplayErrorContext(&e).to_string();
        Error::new(kind, format!("it cannot be read: {what}")).because(e)
    })?;
    let body = object.body.collect().await.map_err(|e| {
        Error::new(ErrorKind::Failed, format!("it cannot be read to its end: {e}")).because(e)
    })?;
    Ok(body.into_bytes().to_vec())
}
