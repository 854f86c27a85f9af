//! How a connection to a cluster is configured.

use infra_core::{Resource, Sensitive, program::IntoInput};

use crate::Kubernetes;

/// A connection to a cluster, made in the program: `stack.provider("cluster", Cluster::eks(&eks.name, &eks.endpoint,
/// &eks.certificate_authority))`.
///
/// While the outputs it is made from are not known, nothing is called: a cluster and what runs in it are planned and
/// made by one `up`. Without anything it is what `kubectl` would use: `KUBECONFIG`, `~/.kube/config`, or the account of the
/// pod that the program runs in.
///
/// A stack may point all its connections elsewhere, for instance at a cluster on this machine, while an emulator has the
/// rest:
///
/// ```toml
/// [stack.local]
/// cloud = "aws"
/// kubernetes.kubeconfig = "kubeconfig.yaml"   # relative to this file
/// kubernetes.context = "kind-ledger"          # the file's current one if left out
/// ```
///
/// A cluster of EKS is told from others by its address, any other by the `uid` of its namespace `kube-system` (by its
/// address too for who may not read that). Another cluster replaces what was in the old one.
#[derive(Resource, Clone, Debug, Default)]
#[resource(kind = "kubernetes:Cluster", cloud = Kubernetes, path = "infra_kubernetes::Cluster")]
pub struct Cluster {
    /// The address of its API: `https://….eks.amazonaws.com`.
    pub server: Option<String>,
    /// The certificate of who signed the API's own, PEM in base64 as EKS gives it; the machine's roots if left out.
    pub certificate_authority: Option<String>,
    /// The name of an EKS cluster: credentials are made for it, from those of AWS.
    pub eks: Option<String>,
    /// The region of that cluster; that of the stack, or of the address, if left out.
    pub region: Option<String>,
    /// A role to take on in AWS before.
    pub role_arn: Option<String>,
    /// A bearer token, where it is no EKS cluster.
    pub token: Option<Sensitive<String>>,
    /// A kubeconfig file, instead of all that.
    pub kubeconfig: Option<String>,
    /// Which of its contexts; the current one if left out.
    pub context: Option<String>,
}

impl Cluster {
    /// An EKS cluster, from its outputs. Credentials are made in the process from those of AWS, and renewed before they
    /// expire: no other program is run.
    pub fn eks(
        name: impl IntoInput<String>,
        endpoint: impl IntoInput<String>,
        certificate_authority: impl IntoInput<String>,
    ) -> ClusterDecl {
        Self::new().eks(name).server(endpoint).certificate_authority(certificate_authority)
    }
}
