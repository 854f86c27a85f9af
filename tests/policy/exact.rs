//! Nothing is granted that is not needed: without any one action something breaks.

use std::collections::BTreeSet;

use infra_aws::grants::IMPLIED;
use infra_core::provider::Purpose;
use serde_json::{Value, json};

use super::{
    fields,
    lab::{BIG, Lab},
};

/// What neither life comes to, and why it is granted all the same.
const OTHERWISE: &[(&str, &str)] = &[
    ("elasticloadbalancing:AddListenerCertificates", "the embedded AWS does not play it"),
    ("elasticloadbalancing:RemoveListenerCertificates", "the embedded AWS does not play it"),
    ("kms:CancelKeyDeletion", "somebody deleted the key, and it is taken back"),
    ("route53:ListHostedZonesByName", "a run died while it made the zone"),
];

/// What only saves calls: where it is denied, each object is asked for.
const SPARING: &[&str] = &["iam:ListRoles", "tag:GetResources"];

type Actions = BTreeSet<String>;

/// The actions in documents.
fn actions(policy: &[Value]) -> Actions {
    let statements = policy.iter().flat_map(|it| it["Statement"].as_array().unwrap());
    let words = statements.flat_map(|it| match &it["Action"] {
        Value::Array(all) => all.clone(),
        one => vec![one.clone()],
    });
    words.map(|word| word.as_str().unwrap().to_owned()).collect()
}

/// The documents without one action.
fn without(policy: &[Value], action: &str) -> Vec<Value> {
    let mut policy = policy.to_vec();
    for document in &mut policy {
        let statements = document["Statement"].as_array_mut().unwrap();
        statements.retain(|statement| statement["Action"] != action);
        for statement in statements {
            if let Some(all) = statement["Action"].as_array_mut() {
                all.retain(|it| it != action);
            }
        }
    }
    let empty = |it: &Value| {
        let statements = it["Statement"].as_array().unwrap();
        statements.is_empty() || statements.iter().all(|it| it["Action"] == json!([]))
    };
    policy.retain(|document| !empty(document));
    policy
}

/// What AWS asks for and the embedded one does not: the table says so.
fn is_beyond(action: &str) -> bool {
    IMPLIED.iter().any(|row| row.action == action && !row.enforced)
}

#[derive(Clone, Copy)]
enum Life {
    Flagship,
    Fields,
}

impl Life {
    fn lab(self) -> Lab {
        match self {
            Self::Flagship => Lab::new(),
            Self::Fields => Lab::bare(fields::program),
        }
    }

    async fn policy(self) -> Vec<Value> {
        let sets = match self {
            Self::Flagship => BIG,
            Self::Fields => &["step=0"],
        };
        self.lab().policy(Purpose::Deploy, sets).await
    }

    /// A life with this policy, and what was asked for in it.
    async fn lived(self, policy: &[Value]) -> (Result<(), String>, Actions) {
        let mut lab = self.lab();
        lab.enforce(policy);
        let lived = match self {
            Self::Flagship => lab.life(BIG).await,
            Self::Fields => lab.steps(&["step=0", "step=1", "step=2"]).await,
        };
        let asked = lab.cloud.asked().into_iter().map(|(action, _)| action);
        (lived, asked.collect())
    }
}

/// A few of many, others for another seed.
fn sample(all: &[(String, Life)], seed: u64, count: usize) -> Vec<(String, Life)> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut left = all.to_vec();
    let mut taken = Vec::new();
    while taken.len() < count && !left.is_empty() {
        // Xorshift: any numbers will do, as long as a seed gives the same again.
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        let at = usize::try_from(state % left.len() as u64).unwrap();
        taken.push(left.swap_remove(at));
    }
    taken
}

/// `INFRA_POLICY=all` takes every action; `INFRA_POLICY=N` is another seed.
#[tokio::test(flavor = "multi_thread")]
async fn without_any_one_action_a_stack_cannot_live() {
    let (big, small) = (Life::Flagship.policy().await, Life::Fields.policy().await);
    let (lived, needed) = Life::Flagship.lived(&big).await;
    lived.unwrap_or_else(|e| panic!("{e}"));
    let (lived, changing) = Life::Fields.lived(&small).await;
    lived.unwrap_or_else(|e| panic!("{e}"));

    let otherwise = |action: &&String| OTHERWISE.iter().any(|(it, _)| it == action);
    let granted = &actions(&big) | &actions(&small);
    let needless: Vec<_> = granted
        .iter()
        .filter(|it| !needed.contains(*it) && !changing.contains(*it))
        .filter(|it| !is_beyond(it) && !otherwise(it) && !SPARING.contains(&it.as_str()))
        .collect();
    assert!(needless.is_empty(), "granted and never asked for: {needless:#?}");

    // `state rebuild` asks for other kinds too, and goes on without an answer: nobody granted that.
    let (needed, changing) = (&needed & &granted, &changing & &granted);
    let mut all: Vec<_> = needed.iter().map(|it| (it.clone(), Life::Flagship)).collect();
    all.extend(changing.difference(&needed).map(|it| (it.clone(), Life::Fields)));
    all.retain(|(action, _)| !SPARING.contains(&action.as_str()));
    let asked = std::env::var("INFRA_POLICY").unwrap_or_default();
    let chosen = match &*asked {
        "all" => all,
        seed => sample(&all, seed.parse().unwrap_or(1), 4),
    };
    let names: Vec<_> = chosen.iter().map(|(action, _)| action.as_str()).collect();
    println!("without each of: {}", names.join(", "));
    let mut unmissed = Vec::new();
    for (action, life) in &chosen {
        let policy = match life {
            Life::Flagship => &big,
            Life::Fields => &small,
        };
        if life.lived(&without(policy, action)).await.0.is_ok() {
            println!("it lives without {action}");
            unmissed.push(action);
        }
    }
    assert!(unmissed.is_empty(), "granted and not needed: {unmissed:#?}");
}
