//! Elastic Load Balancing.

use super::super::Ask;
use super::role;
use super::scope::Scope;

pub(super) fn asks(scope: &mut Scope<'_, '_>) -> Vec<Ask> {
    let named = |scope: &Scope<'_, '_>| scope.text("Name").unwrap_or_default().to_owned();
    match scope.name {
        "CreateLoadBalancer" => {
            let kind = if scope.text("Type") == Some("network") { "net" } else { "app" };
            let arn = scope.arn(&format!("loadbalancer/{kind}/{}/*", named(scope)));
            let mut all = made(scope, &arn, &arn);
            let service = "elasticloadbalancing.amazonaws.com";
            let name = "AWSServiceRoleForElasticLoadBalancing";
            all.extend(role::service_linked(scope, service, name));
            all
        }
        "CreateTargetGroup" => {
            let arn = scope.arn(&format!("targetgroup/{}/*", named(scope)));
            made(scope, &arn, &arn)
        }
        "CreateListener" => {
            let balancer = scope.text("LoadBalancerArn").unwrap_or_default();
            let listener = format!("{}/*", balancer.replacen(":loadbalancer/", ":listener/", 1));
            made(scope, balancer, &listener)
        }
        "AddTags" | "RemoveTags" => {
            scope.texts("ResourceArns").into_iter().map(|arn| scope.own(arn)).collect()
        }
        name if name.starts_with("Describe") => vec![scope.own("*")],
        _ => {
            let parameters = ["ListenerArn", "LoadBalancerArn", "TargetGroupArn"];
            let arn = parameters.into_iter().find_map(|it| scope.text(it));
            vec![scope.own(arn.unwrap_or("*"))]
        }
    }
}

/// What is made is asked for on `on`, and its tags on the new object.
fn made(scope: &Scope<'_, '_>, on: &str, new: &str) -> Vec<Ask> {
    let tag = scope.gives_tags().then(|| {
        let key = "elasticloadbalancing:CreateAction";
        scope.action("AddTags", new).with(key, [scope.name])
    });
    std::iter::once(scope.own(on)).chain(tag).collect()
}
