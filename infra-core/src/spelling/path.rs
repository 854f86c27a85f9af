//! Where a type is found by a program.

/// The public path of the type `name` that is written in `module` (`module_path!()`): it stands directly in the crate's
/// module, however deep below that it is written. Types of a private module of the crate's root say their path themselves
/// (`path = "…"` in the derives).
pub fn path(module: &str, name: &str) -> String {
    let public: Vec<_> = module.split("::").take(2).chain([name]).collect();
    public.join("::")
}

#[cfg(test)]
mod tests {
    use super::path;

    #[test]
    fn what_is_written_deep_down_is_public_in_the_crates_module() {
        assert_eq!(path("infra_aws::ec2::subnet", "Subnet"), "infra_aws::ec2::Subnet");
        assert_eq!(path("infra_aws::eks::cluster::update", "Logs"), "infra_aws::eks::Logs");
        assert_eq!(path("shop", "Page"), "shop::Page");
    }
}
