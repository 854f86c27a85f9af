//! Auto scaling groups of one's own: what they launch, from what, and where they say why they cannot.

use crate::caller::{Caller, instant};

/// A VPC, a subnet and a launch template of it.
async fn template(caller: &Caller) -> (String, String) {
    let vpc = caller.ec2("CreateVpc", "CidrBlock=10.0.0.0/16").await.ok().get("vpcId");
    let subnet = format!("VpcId={vpc}&CidrBlock=10.0.0.0/24");
    let subnet = caller.ec2("CreateSubnet", &subnet).await.ok().get("subnetId");
    let data = "LaunchTemplateName=t&LaunchTemplateData.ImageId=ami-1&LaunchTemplateData.InstanceType=t3.small";
    let template = caller.ec2("CreateLaunchTemplate", data).await.ok().get("launchTemplateId");
    (subnet, template)
}

#[tokio::test]
async fn mixed_instances_take_the_best_type() {
    let caller = instant();
    let (subnet, template) = template(&caller).await;
    let mixed = "MixedInstancesPolicy.LaunchTemplate";
    let input = format!(
        "AutoScalingGroupName=g&MinSize=1&MaxSize=3&DesiredCapacity=2&VPCZoneIdentifier={subnet}\
         &{mixed}.LaunchTemplateSpecification.LaunchTemplateId={template}\
         &{mixed}.Overrides.member.1.InstanceType=m7g.large"
    );
    caller.query("autoscaling", "CreateAutoScalingGroup", &input).await.ok();
    let activities = caller.query("autoscaling", "DescribeScalingActivities", "").await.ok();
    assert_eq!(activities.text.matches("Successful").count(), 2, "{}", activities.text);
    let group = caller.query("autoscaling", "DescribeAutoScalingGroups", "").await.ok();
    assert_eq!(group.text.matches("InService").count(), 2, "{}", group.text);
    assert_eq!(group.get("SpotAllocationStrategy"), "lowest-price");
    let instances = caller.ec2("DescribeInstances", "").await.ok();
    assert_eq!(instances.text.matches("<instanceType>m7g.large").count(), 2, "{}", instances.text);
    let bare = "AutoScalingGroupName=g";
    let refused = caller.query("autoscaling", "DeleteAutoScalingGroup", bare).await;
    assert_eq!(refused.code(), "ResourceInUse");
    let forced = "AutoScalingGroupName=g&ForceDelete=true";
    caller.query("autoscaling", "DeleteAutoScalingGroup", forced).await.ok();
    let group = caller.query("autoscaling", "DescribeAutoScalingGroups", "").await.ok();
    assert!(!group.text.contains("<AutoScalingGroupName>"), "{}", group.text);
}

#[tokio::test]
async fn one_template_is_enough_and_another_word_for_it_is_not() {
    let caller = instant();
    let (subnet, template) = template(&caller).await;
    let sizes = format!("MinSize=1&MaxSize=1&VPCZoneIdentifier={subnet}");
    let latest = format!(
        "AutoScalingGroupName=g&{sizes}&LaunchTemplate.LaunchTemplateId={template}&LaunchTemplate.Version=$Latest"
    );
    caller.query("autoscaling", "CreateAutoScalingGroup", &latest).await.ok();
    let instances = caller.ec2("DescribeInstances", "").await.ok();
    assert_eq!(instances.get("instanceType"), "t3.small");
    let wrong = [
        "LaunchConfigurationName=none".to_owned(),
        format!("LaunchConfigurationName=none&LaunchTemplate.LaunchTemplateId={template}"),
        "LaunchTemplate.LaunchTemplateId=lt-none".to_owned(),
    ];
    for launches in wrong {
        let input = format!("AutoScalingGroupName=h&{sizes}&{launches}");
        let refused = caller.query("autoscaling", "CreateAutoScalingGroup", &input).await;
        assert_eq!(refused.code(), "ValidationError", "{launches}");
    }
}
