//! Images in a repository.

use aws_sdk_ecr::types::{ImageDetail, ImageIdentifier};
use infra_core::{
    Outputs, Resource,
    provider::{Cx, Error, Grant, Lookup, Result},
};

use crate::{Aws, classify::Classify as _};

/// The image that a tag points at: `stack.lookup("image", Image::new("qledger/app", "1.4.2"))`.
///
/// A tag can be moved, a digest cannot: what is deployed by [`uri`](ImageOutputs::uri) is what was tested. The digest
/// stays what it was, whatever is pushed, until `--refresh-lookups`. Of an image for several architectures it is that of
/// the index.
///
/// The image has to be there: a repository that is made by the same program is empty when it is first deployed, so keep
/// it in a stack of its own, or push before what uses the image is declared.
///
/// Needs `ecr:DescribeRepositories` and `DescribeImages` on the repository. (ECR API reference.)
#[derive(Resource, Clone, Debug)]
#[resource(kind = "aws:ecr:Image", outputs = ImageOutputs)]
pub struct Image {
    /// The repository's name.
    pub repository: String,
    /// The tag.
    pub tag: String,
}

/// What the image is.
#[derive(Outputs, Clone, Debug)]
pub struct ImageOutputs {
    /// `sha256:…`.
    pub digest: String,
    /// What a pod or task pulls: `ACCOUNT.dkr.ecr.REGION.amazonaws.com/NAME@sha256:…`.
    pub uri: String,
    /// All tags that point at it.
    pub tags: Vec<String>,
    /// When it was pushed, in UTC: `2026-01-31T12:00:00Z`.
    pub pushed_at: String,
}

impl Lookup for Image {
    type Cloud = Aws;

    async fn look_up(cx: &Cx<Aws>, want: &Self) -> Result<ImageOutputs> {
        let Self { repository, tag } = want;
        let describe = cx.ecr().describe_repositories().repository_names(repository);
        let found = describe.send().await.found()?;
        let found = found.and_then(|found| found.repositories?.into_iter().next());
        let Some(url) = found.and_then(|found| found.repository_uri) else {
            let message =
                format!("there is no repository {repository:?} in {} to look in", cx.region());
            return Err(Error::not_found(message));
        };
        let id = ImageIdentifier::builder().image_tag(tag).build();
        let describe = cx.ecr().describe_images().repository_name(repository).image_ids(id);
        let found = describe.send().await.found()?;
        let image = found.and_then(|found| found.image_details?.into_iter().next());
        let image = image.ok_or_else(|| missing(&url, tag, cx.region()))?;
        let digest = image.image_digest().unwrap_or_default().to_owned();
        let mut tags = image.image_tags().to_vec();
        tags.sort();
        Ok(ImageOutputs {
            uri: format!("{url}@{digest}"),
            digest,
            tags,
            pushed_at: pushed_at(&image),
        })
    }

    fn grants(want: &Self) -> Vec<Grant> {
        let repository = format!("arn:*:ecr:*:*:repository/{}", want.repository);
        crate::policy::grants(repository, ["ecr:DescribeImages", "ecr:DescribeRepositories"])
    }
}

fn pushed_at(image: &ImageDetail) -> String {
    let at = image.image_pushed_at().map(|at| jiff::Timestamp::from_second(at.secs()));
    at.and_then(std::result::Result::ok).map(|at| at.to_string()).unwrap_or_default()
}

/// Says how to push it.
fn missing(url: &str, tag: &str, region: &str) -> Error {
    let registry = url.split('/').next().unwrap_or_default();
    Error::not_found(format!(
        "there is no image {url}:{tag}. Build and push it, then run this again:\n  \
         aws ecr get-login-password --region {region} | docker login --username AWS --password-stdin {registry}\n  \
         docker build -t {url}:{tag} . && docker push {url}:{tag}"
    ))
}
