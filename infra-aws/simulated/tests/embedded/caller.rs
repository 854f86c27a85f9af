//! A caller that signs as much as the embedded AWS looks at.

use bytes::Bytes;
use infra_aws_simulated::{Cloud, Durations, Settings};
use serde_json::Value;

/// Somebody with an access key, in a region.
#[derive(Clone)]
pub(crate) struct Caller {
    pub(crate) cloud: Cloud,
    pub(crate) region: &'static str,
    pub(crate) key: String,
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: http::HeaderMap,
    pub(crate) text: String,
}

impl Answer {
    /// The text of the first such element.
    pub(crate) fn get(&self, name: &str) -> String {
        self.find(name).unwrap_or_else(|| panic!("no <{name}> in {}", self.text))
    }

    pub(crate) fn find(&self, name: &str) -> Option<String> {
        let start = self.text.find(&format!("<{name}>"))? + name.len() + 2;
        let end = self.text[start..].find(&format!("</{name}>"))?;
        Some(self.text[start..start + end].to_owned())
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("not JSON: {}", self.text))
    }

    pub(crate) fn ok(self) -> Self {
        assert!(self.status < 300, "{}: {}", self.status, self.text);
        self
    }

    /// The error's code, wherever this protocol has it.
    pub(crate) fn code(&self) -> String {
        assert!(self.status >= 300, "succeeded: {}", self.text);
        let header = self.headers.get("x-amzn-errortype").and_then(|it| it.to_str().ok());
        header.map_or_else(|| self.get("Code"), str::to_owned)
    }
}

/// A cloud where nothing takes time.
pub(crate) fn instant() -> Caller {
    caller(Cloud::memory(Settings::default().durations(Durations::Instant)))
}

/// A cloud where nothing that takes time is ever done.
pub(crate) fn endless() -> Caller {
    caller(Cloud::memory(Settings::default().durations(Durations::Scaled(1000.0))))
}

pub(crate) fn caller(cloud: Cloud) -> Caller {
    Caller { cloud, region: "eu-west-1", key: "AKIDEXAMPLE".to_owned() }
}

impl Caller {
    pub(crate) async fn send(
        &self,
        service: &str,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Bytes>,
    ) -> Answer {
        let credential = format!(
            "AWS4-HMAC-SHA256 Credential={}/20260101/{}/{service}/aws4_request, \
             SignedHeaders=host, Signature=0",
            self.key, self.region
        );
        let mut request = http::Request::builder()
            .method(method)
            .uri(format!("http://127.0.0.1:4599{path}"))
            .header("authorization", credential);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = self.cloud.handle(request.body(body.into()).unwrap()).await;
        Answer {
            status: response.status().as_u16(),
            headers: response.headers().clone(),
            text: String::from_utf8_lossy(response.body()).into_owned(),
        }
    }

    /// A call of the query protocols: `Name=value` pairs.
    pub(crate) async fn query(&self, service: &str, action: &str, input: &str) -> Answer {
        let body = format!("Action={action}&{input}");
        self.send(service, "POST", "/", &[], body).await
    }

    pub(crate) async fn ec2(&self, action: &str, input: &str) -> Answer {
        self.query("ec2", action, input).await
    }

    /// A call of the JSON protocols.
    pub(crate) async fn json(&self, service: &str, operation: &str, input: Value) -> Answer {
        let target = format!("Any.{operation}");
        let target = if service == "dynamodb" {
            format!("DynamoDB_20120810.{operation}")
        } else if service == "kms" {
            format!("TrentService.{operation}")
        } else {
            target
        };
        let headers =
            [("x-amz-target", target.as_str()), ("content-type", "application/x-amz-json-1.1")];
        self.send(service, "POST", "/", &headers, input.to_string()).await
    }

    /// A call of EKS.
    pub(crate) async fn eks(&self, method: &str, path: &str, input: Value) -> Answer {
        let body = if input.is_null() { String::new() } else { input.to_string() };
        self.send("eks", method, path, &[], body).await
    }

    /// A VPC with three subnets in three zones; the VPC first.
    pub(crate) async fn network(&self) -> (String, Vec<String>) {
        let vpc = self.ec2("CreateVpc", "CidrBlock=10.0.0.0/16").await.ok().get("vpcId");
        let mut subnets = Vec::new();
        for (n, zone) in ["a", "b", "c"].iter().enumerate() {
            let input = format!(
                "VpcId={vpc}&CidrBlock=10.0.{n}.0/24&AvailabilityZone={}{zone}",
                self.region
            );
            subnets.push(self.ec2("CreateSubnet", &input).await.ok().get("subnetId"));
        }
        (vpc, subnets)
    }

    pub(crate) async fn group(&self, vpc: &str, name: &str) -> String {
        let input = format!("VpcId={vpc}&GroupName={name}&GroupDescription=d");
        self.ec2("CreateSecurityGroup", &input).await.ok().get("groupId")
    }

    pub(crate) async fn role(&self, name: &str) -> String {
        let input = format!(
            "RoleName={name}&Description=why&Tags.member.1.Key=k&Tags.member.1.Value=v&\
             AssumeRolePolicyDocument=%7B%22Version%22%3A%222012-10-17%22%2C%22Statement%22%3A%5B%5D%7D"
        );
        self.query("iam", "CreateRole", &input).await.ok().get("Arn")
    }
}
