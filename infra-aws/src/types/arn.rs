//! Amazon resource names.

use infra_core::text_type;

text_type! {
    /// An Amazon resource name: `arn:PARTITION:SERVICE:REGION:ACCOUNT:RESOURCE`.
    Arn, "an ARN like `arn:aws:iam::123456789012:role/name`",
    |text| text.starts_with("arn:") && text.splitn(6, ':').count() == 6
}

text_type! {
    /// The ARN of a certificate in Certificate Manager.
    CertificateArn, "a certificate's ARN like `arn:aws:acm:eu-west-1:123456789012:certificate/…`",
    |text| text.starts_with("arn:") && text.contains(":certificate/")
}
text_type! {
    /// The ARN of a target group.
    TargetGroupArn, "a target group's ARN like `arn:aws:elasticloadbalancing:…:targetgroup/…`",
    |text| text.starts_with("arn:") && text.contains(":targetgroup/")
}

impl Arn {
    /// The ARN of these parts; region and account are empty where the service has none in its names.
    #[must_use]
    pub fn of(partition: &str, service: &str, region: &str, account: &str, resource: &str) -> Self {
        Self::trusted(format!("arn:{partition}:{service}:{region}:{account}:{resource}"))
    }

    fn part(&self, at: usize) -> &str {
        self.as_str().splitn(6, ':').nth(at).unwrap_or_default()
    }

    /// `aws`, `aws-cn`, `aws-us-gov`.
    pub fn partition(&self) -> &str {
        self.part(1)
    }

    /// `ec2`, `elasticloadbalancing`.
    pub fn service(&self) -> &str {
        self.part(2)
    }

    /// The region, if there is one in it.
    pub fn region(&self) -> &str {
        self.part(3)
    }

    /// The account, if there is one in it.
    pub fn account(&self) -> &str {
        self.part(4)
    }

    /// What comes after the account: `role/name`, `log-group:/a/b`.
    pub fn resource(&self) -> &str {
        self.part(5)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts() {
        let arn = Arn::new("arn:aws:logs:eu-west-1:123456789012:log-group:/a:*").unwrap();
        assert_eq!((arn.partition(), arn.service(), arn.region()), ("aws", "logs", "eu-west-1"));
        assert_eq!((arn.account(), arn.resource()), ("123456789012", "log-group:/a:*"));
        assert!(Arn::new("role/x").is_err());
        assert_eq!(Arn::of("aws", "iam", "", "1", "role/x").as_str(), "arn:aws:iam::1:role/x");
    }
}
