//! What became of a state's objects.

/// What [`Cloud::plant`](crate::Cloud::plant) did with the objects of a Terraform state.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Planted {
    /// The account that the state's ARNs are of: the settings of a cloud that is to answer for them must have it.
    pub account: String,
    /// The addresses of what the cloud holds now.
    pub planted: Vec<String>,
    /// The addresses of what it does not hold, each with why.
    pub left: Vec<(String, String)>,
}
