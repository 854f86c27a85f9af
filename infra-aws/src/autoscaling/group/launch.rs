//! What a group launches: a version of a template, or several kinds of instances bought in two ways.

use aws_sdk_autoscaling::types as sdk;
use infra_core::Value;

use crate::types::LaunchTemplateId;

/// A version of a launch template.
#[derive(Value, Clone, Debug, PartialEq, Eq)]
pub struct Template {
    /// The template.
    pub id: LaunchTemplateId,
    /// The version.
    #[field(default = TemplateVersion::Default)]
    pub version: TemplateVersion,
}

/// Which version of a launch template.
#[derive(Value, Clone, Copy, Debug, PartialEq, Eq)]
pub enum TemplateVersion {
    /// The template's default version, whichever that is when an instance is launched.
    Default,
    /// The newest version there is when an instance is launched.
    Latest,
    /// This one, best the output `latest_version` of the template.
    Number(i64),
}

/// Instances of several types, on demand and spot.
#[derive(Value, Clone, Debug, PartialEq)]
pub struct MixedInstances {
    /// What they are made of.
    pub template: Template,
    /// The types to take, the first being the best; the template's if left out.
    pub overrides: Vec<InstanceChoice>,
    /// How many are on demand before any is spot.
    #[field(computed)]
    pub on_demand_base: Option<i32>,
    /// The share on demand beyond those, in percent. AWS: 100.
    #[field(computed)]
    pub on_demand_percentage: Option<i32>,
    /// `prioritized` or `lowest-price`.
    #[field(computed)]
    pub on_demand_strategy: Option<String>,
    /// `price-capacity-optimized`, `capacity-optimized`, `lowest-price`, …
    #[field(computed)]
    pub spot_strategy: Option<String>,
    /// How many pools spot instances are spread over, with `lowest-price`.
    #[field(computed)]
    pub spot_pools: Option<i32>,
    /// The most that is paid for an hour of a spot instance; the price on demand if left out.
    pub spot_max_price: Option<String>,
}

/// A type of instance that may be taken.
#[derive(Value, Clone, Debug, PartialEq)]
pub struct InstanceChoice {
    /// The type.
    pub instance_type: String,
    /// How much of the group's capacity one of them is.
    pub weight: Option<i32>,
    /// Another template for this type, of another processor for instance.
    pub template: Option<Template>,
}

impl Template {
    pub(super) fn to_sdk(&self) -> sdk::LaunchTemplateSpecification {
        let version = match self.version {
            TemplateVersion::Default => "$Default".to_owned(),
            TemplateVersion::Latest => "$Latest".to_owned(),
            TemplateVersion::Number(number) => number.to_string(),
        };
        let specification = sdk::LaunchTemplateSpecification::builder();
        specification.launch_template_id(self.id.as_str()).version(version).build()
    }

    pub(super) fn of(found: &sdk::LaunchTemplateSpecification) -> Option<Self> {
        let version = match found.version() {
            Some("$Latest") => TemplateVersion::Latest,
            Some(number) => {
                number.parse().map_or(TemplateVersion::Default, TemplateVersion::Number)
            }
            None => TemplateVersion::Default,
        };
        Some(Self { id: LaunchTemplateId::trusted(found.launch_template_id()?), version })
    }
}

impl InstanceChoice {
    fn to_sdk(&self) -> sdk::LaunchTemplateOverrides {
        sdk::LaunchTemplateOverrides::builder()
            .instance_type(&self.instance_type)
            .set_weighted_capacity(self.weight.map(|weight| weight.to_string()))
            .set_launch_template_specification(self.template.as_ref().map(Template::to_sdk))
            .build()
    }

    fn of(found: &sdk::LaunchTemplateOverrides) -> Self {
        Self {
            instance_type: found.instance_type().unwrap_or_default().to_owned(),
            weight: found.weighted_capacity().and_then(|weight| weight.parse().ok()),
            template: found.launch_template_specification().and_then(Template::of),
        }
    }
}

impl MixedInstances {
    pub(super) fn to_sdk(&self) -> sdk::MixedInstancesPolicy {
        let overrides: Vec<_> = self.overrides.iter().map(InstanceChoice::to_sdk).collect();
        let template = sdk::LaunchTemplate::builder()
            .launch_template_specification(self.template.to_sdk())
            .set_overrides((!overrides.is_empty()).then_some(overrides));
        let distribution = sdk::InstancesDistribution::builder()
            .set_on_demand_base_capacity(self.on_demand_base)
            .set_on_demand_percentage_above_base_capacity(self.on_demand_percentage)
            .set_on_demand_allocation_strategy(self.on_demand_strategy.clone())
            .set_spot_allocation_strategy(self.spot_strategy.clone())
            .set_spot_instance_pools(self.spot_pools)
            .set_spot_max_price(self.spot_max_price.clone());
        sdk::MixedInstancesPolicy::builder()
            .launch_template(template.build())
            .instances_distribution(distribution.build())
            .build()
    }

    /// What the policy holds that this cannot say.
    pub(super) fn beyond(found: &sdk::MixedInstancesPolicy) -> Option<&'static str> {
        let launch = found.launch_template()?;
        let untyped = |it: &sdk::LaunchTemplateOverrides| {
            it.instance_requirements().is_some() || it.instance_type().is_none_or(str::is_empty)
        };
        launch
            .overrides()
            .iter()
            .any(untyped)
            .then_some("instance requirements in place of instance types")
    }

    pub(super) fn of(found: &sdk::MixedInstancesPolicy) -> Option<Self> {
        let launch = found.launch_template()?;
        let distribution = found.instances_distribution();
        let text = |text: Option<&str>| text.filter(|text| !text.is_empty()).map(str::to_owned);
        let strategy =
            |of: fn(&sdk::InstancesDistribution) -> Option<&str>| text(distribution.and_then(of));
        let count = |of: fn(&sdk::InstancesDistribution) -> Option<i32>| distribution.and_then(of);
        Some(Self {
            template: Template::of(launch.launch_template_specification()?)?,
            overrides: launch.overrides().iter().map(InstanceChoice::of).collect(),
            on_demand_base: count(sdk::InstancesDistribution::on_demand_base_capacity),
            on_demand_percentage: count(
                sdk::InstancesDistribution::on_demand_percentage_above_base_capacity,
            ),
            on_demand_strategy: strategy(sdk::InstancesDistribution::on_demand_allocation_strategy),
            spot_strategy: strategy(sdk::InstancesDistribution::spot_allocation_strategy),
            spot_pools: count(sdk::InstancesDistribution::spot_instance_pools),
            spot_max_price: strategy(sdk::InstancesDistribution::spot_max_price),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requirements_are_no_types() {
        let policy = |it: sdk::LaunchTemplateOverrides| {
            let launch = sdk::LaunchTemplate::builder().overrides(it).build();
            sdk::MixedInstancesPolicy::builder().launch_template(launch).build()
        };
        let typed = sdk::LaunchTemplateOverrides::builder().instance_type("m7g.large").build();
        assert_eq!(MixedInstances::beyond(&policy(typed)), None);
        let wanted = sdk::InstanceRequirements::builder().build();
        let wanted = sdk::LaunchTemplateOverrides::builder().instance_requirements(wanted).build();
        assert!(MixedInstances::beyond(&policy(wanted)).is_some());
    }
}
