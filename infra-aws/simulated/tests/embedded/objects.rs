//! S3.

use crate::caller::{Caller, instant};

async fn bucket(aws: &Caller) {
    let body = "<CreateBucketConfiguration><LocationConstraint>eu-west-1</LocationConstraint>\
                </CreateBucketConfiguration>";
    aws.send("s3", "PUT", "/state", &[], body).await.ok();
}

#[tokio::test]
async fn writes_are_conditional() {
    let aws = instant();
    bucket(&aws).await;
    let new = [("if-none-match", "*")];
    let made = aws.send("s3", "PUT", "/state/a%20b.json", &new, "1").await.ok();
    let tag = made.headers["etag"].to_str().unwrap().to_owned();
    let again = aws.send("s3", "PUT", "/state/a%20b.json", &new, "2").await;
    assert_eq!((again.status, again.code().as_str()), (412, "PreconditionFailed"));
    let same = [("if-match", tag.as_str())];
    aws.send("s3", "PUT", "/state/a%20b.json", &same, "2").await.ok();
    assert_eq!(aws.send("s3", "PUT", "/state/a%20b.json", &same, "3").await.status, 412);
    assert_eq!(aws.send("s3", "GET", "/state/a%20b.json", &[], "").await.text, "2");
}

#[tokio::test]
async fn chunked_bodies_and_virtual_hosts() {
    let aws = instant();
    bucket(&aws).await;
    let headers = [("content-encoding", "aws-chunked")];
    let body = "5\r\nhello\r\n0\r\nx-amz-checksum-crc32:AAAA\r\n\r\n";
    aws.send("s3", "PUT", "/state/c", &headers, body).await.ok();
    let request = http::Request::get("https://state.s3.eu-west-1.amazonaws.com/c")
        .body(bytes::Bytes::new())
        .unwrap();
    assert_eq!(&aws.cloud.handle(request).await.into_body()[..], b"hello");
}

#[tokio::test]
async fn a_bucket_goes_only_when_empty_of_versions_too() {
    let aws = instant();
    bucket(&aws).await;
    let on = "<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>";
    aws.send("s3", "PUT", "/state?versioning", &[], on).await.ok();
    aws.send("s3", "PUT", "/state/k", &[], "1").await.ok();
    aws.send("s3", "DELETE", "/state/k", &[], "").await.ok();
    assert_eq!(aws.send("s3", "GET", "/state/k", &[], "").await.code(), "NoSuchKey");
    assert_eq!(aws.send("s3", "DELETE", "/state", &[], "").await.code(), "BucketNotEmpty");
    let listed = aws.send("s3", "GET", "/state?versions", &[], "").await.ok();
    for version in listed.text.split("<VersionId>").skip(1) {
        let id = version.split('<').next().unwrap();
        let path = format!("/state/k?versionId={id}");
        aws.send("s3", "DELETE", &path, &[], "").await.ok();
    }
    aws.send("s3", "DELETE", "/state", &[], "").await.ok();
}

#[tokio::test]
async fn lists_fold_and_page() {
    let aws = instant();
    bucket(&aws).await;
    for key in ["a/1", "a/2", "b", "c"] {
        aws.send("s3", "PUT", &format!("/state/{key}"), &[], "x").await.ok();
    }
    let path = "/state?list-type=2&delimiter=%2F&max-keys=2";
    let first = aws.send("s3", "GET", path, &[], "").await.ok();
    assert!(first.text.contains("<CommonPrefixes><Prefix>a/</Prefix>"));
    assert_eq!(first.get("IsTruncated"), "true");
    let next = format!("{path}&continuation-token={}", first.get("NextContinuationToken"));
    let second = aws.send("s3", "GET", &next, &[], "").await.ok();
    assert_eq!((second.get("Key").as_str(), second.get("IsTruncated").as_str()), ("c", "false"));
}

#[tokio::test]
async fn buckets_are_listed_by_region_and_page() {
    let aws = instant();
    bucket(&aws).await;
    let away = Caller { region: "us-east-1", ..aws.clone() };
    for name in ["a", "b", "c"] {
        away.send("s3", "PUT", &format!("/bucket-{name}"), &[], "").await.ok();
    }
    let all = aws.send("s3", "GET", "/", &[], "").await.ok();
    assert_eq!(all.text.matches("<Bucket>").count(), 4);
    let here = aws.send("s3", "GET", "/?bucket-region=eu-west-1", &[], "").await.ok();
    assert_eq!((here.get("Name"), here.text.matches("<Bucket>").count()), ("state".to_owned(), 1));
    let path = "/?bucket-region=us-east-1&max-buckets=2";
    assert_eq!(aws.send("s3", "GET", path, &[], "").await.code(), "InvalidArgument");
    let first = away.send("s3", "GET", path, &[], "").await.ok();
    assert_eq!(first.text.matches("<Bucket>").count(), 2);
    let next = format!("{path}&continuation-token={}", first.get("ContinuationToken"));
    let next = away.send("s3", "GET", &next, &[], "").await.ok();
    assert_eq!((next.get("Name"), next.find("ContinuationToken")), ("bucket-c".to_owned(), None));
}
