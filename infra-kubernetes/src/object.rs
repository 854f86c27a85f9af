//! Any object of a Kubernetes cluster.

mod declaration;
mod live;
mod owner;
mod read;
mod shrinks;
pub(crate) mod tree;
mod verbs;

use infra_core::{Outputs, Resource, Value, state};

pub use self::declaration::output;

/// An object of a Kubernetes cluster, of whatever kind: its manifest, applied by server-side apply.
///
/// It is declared from a typed struct ([`Object::of`](Object::of)), from YAML ([`yaml`](crate::yaml)), from a group, version
/// and kind ([`Object::custom`](Object::custom)), or by one of the short forms ([`Deployment`](crate::Deployment), …). Its
/// urns have the object's own kind: `kubernetes:apps:Deployment::app/ledger`.
///
/// **Replaced** by another name or namespace, and by what the API server does not let change: a job's pod template, a
/// deployment's selector, a secret's type, a claim's storage class, a role binding's role. Everything else is applied in
/// place. The old object goes first, as two cannot share a name; with another name the new one comes first.
///
/// **Drift** is what a server-side dry run would change back: fields that this declaration has, and nobody else's.
/// What others add (a sidecar, an annotation, replicas that are left to an autoscaler) is theirs. What was ours and was
/// changed by somebody is taken back by the next plan that shows it; what never was ours is a conflict that names the other
/// manager, and [`take_over`](ObjectDecl::take_over) is how it becomes ours.
///
/// **Waits** until the object does what it is for: a rollout is complete, a job has succeeded, a load balancer has an address.
/// What keeps it from that is said as the cluster says it: an image that cannot be pulled, the last lines of a container
/// that crashes, why no node takes a pod. [`wait`](ObjectDecl::wait) says otherwise.
#[derive(Resource, Clone, Debug)]
#[resource(
    kind = "kubernetes:Object",
    outputs = ObjectOutputs,
    declare = declaration::declare,
    path = "infra_kubernetes::Object"
)]
pub struct Object {
    /// Its name; made from program, stack and resource name if it is left out. Another replaces it.
    #[field(replace, name(max = 253, extra = "-.:"))]
    pub name: Option<String>,
    /// Its namespace, where its kind has one; `default` if it is left out. Another replaces it.
    #[field(replace)]
    pub namespace: Option<String>,
    /// Everything else, as `kubectl` would have it: `apiVersion`, `kind`, `metadata.labels`, `spec`, …
    pub manifest: state::Value,
    /// Whether it says whose it is, in its labels and annotations. Always: an object that does not has been made again by
    /// somebody, or is being taken over.
    #[field(default = true)]
    pub marked: bool,
    /// What is waited for after it was applied.
    #[field(default = Wait::Ready)]
    pub wait: Wait,
    /// Whether fields of other managers become ours when they are in the way.
    #[field(default = false)]
    pub take_over: bool,
    /// What becomes of what it owns when it is deleted.
    #[field(default = Propagation::Foreground)]
    pub propagation: Propagation,
}

/// What is waited for after an object was applied.
#[derive(Value, Clone, Debug, PartialEq, Eq)]
#[value(path = "infra_kubernetes::Wait")]
pub enum Wait {
    /// Until it does what it is for: complete rollout, successful job, address, condition `Ready` where it has one.
    Ready,
    /// Not at all.
    Nothing,
    /// Until it has this condition (`Available`) with status `True`.
    Condition(String),
}

/// What becomes of what an object owns when it is deleted: a deployment's pods, a job's.
#[derive(Value, Clone, Copy, Debug, PartialEq, Eq)]
#[value(path = "infra_kubernetes::Propagation")]
pub enum Propagation {
    /// It goes first; the object after it.
    Foreground,
    /// It goes after the object, unwatched.
    Background,
    /// It stays.
    Orphan,
}

/// What an object gives.
#[derive(Outputs, Clone, Debug)]
pub struct ObjectOutputs {
    /// Its name.
    #[output(stable)]
    pub name: String,
    /// Its namespace, if its kind has one.
    #[output(stable)]
    pub namespace: Option<String>,
    /// What tells it from others that had its name before.
    #[output(stable)]
    pub uid: String,
    /// Names or IP addresses of its load balancer, of a `Service` or an `Ingress`.
    pub addresses: Vec<String>,
    /// Its `status`, as it was when it had become ready.
    pub status: state::Value,
}
