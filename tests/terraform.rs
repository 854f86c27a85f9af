//! What Terraform made with version 5 of its AWS provider is taken over: a state that it wrote, of modules, `count`,
//! `for_each`, a second region and rules in every form, on an AWS that holds its objects.
//!
//! `UPDATE_GOLDEN=1` writes `terraform/written.rs`; what is compiled here is the file.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::{fs, path::PathBuf};

use infra_aws::{
    acm, cidr, ec2, elbv2,
    embedded::{Cloud, Settings},
    route53,
    types::Zone,
};
use infra_core::{App, Result, Stack, cli::Screen, exit::Exit, policy::Pack, testing::Buffer};

/// What `import` writes, compiled.
#[rustfmt::skip]
#[path = "terraform/written.rs"]
#[expect(
    dead_code,
    unreachable_pub,
    clippy::pedantic,
    clippy::needless_range_loop,
    reason = "a program of its own: its main is not called; it is as long as the stack is"
)]
mod written;

/// A project's folder, and the AWS that it is on.
struct Place {
    cloud: Cloud,
    folder: tempfile::TempDir,
}

struct Ran {
    exit: Exit,
    out: String,
    err: String,
}

fn data(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("terraform").join(name)
}

fn nothing(_: &mut Stack) -> Result<()> {
    Ok(())
}

impl Ran {
    /// Everything that is shown.
    fn said(&self) -> String {
        [self.out.as_str(), &self.err].join("\n")
    }
}

impl Place {
    /// With the state's objects in the cloud.
    async fn planted() -> Self {
        let cloud = Cloud::memory(Settings::default());
        let state = fs::read_to_string(data("state.tfstate")).unwrap();
        let planted = cloud.plant(&serde_json::from_str(&state).unwrap()).await.unwrap().unwrap();
        // What is left is a part of something, or nothing that there is a kind for.
        for (address, why) in &planted.left {
            let known = ["aws_s3_bucket_", "aws_key_pair"];
            assert!(known.iter().any(|kind| address.contains(kind)), "{address}: {why}");
        }
        Self::of(cloud)
    }

    fn of(cloud: Cloud) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let project = folder.path().join("project");
        fs::create_dir(&project).unwrap();
        let key = format!("[stack.dev]\nkey = 'file:{}'\n", folder.path().join("key").display());
        fs::write(project.join("taken.toml"), key).unwrap();
        Self { cloud, folder }
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }

    async fn run<P>(&self, program: P, arguments: &[&str]) -> Ran
    where
        P: Fn(&mut Stack) -> Result<()> + Send + Sync + 'static,
    {
        let (out, err) = (Buffer::default(), Buffer::default());
        let screen = Screen::captured(out.clone(), err.clone(), None);
        let app = App::new("taken")
            .cloud("simulated", infra_aws::simulated_in(self.cloud.clone()))
            .policies(Pack::none())
            .config_beside(self.folder.path().join("project"));
        let state = format!("file:{}", self.path("state"));
        let arguments = ["taken"].into_iter().chain(arguments.iter().copied());
        let arguments = arguments.chain(["--state", &state]).map(str::to_owned).collect::<Vec<_>>();
        let exit = app.run_on(program, arguments, screen).await;
        let text = |written: &Buffer| String::from_utf8(written.bytes()).unwrap();
        Ran { exit, out: text(&out), err: text(&err) }
    }

    /// Takes over what the state knows, and gives the program that was written.
    async fn import(&self) -> (Ran, String) {
        let (state, out) = (data("state.tfstate"), self.path("main.rs"));
        let arguments =
            ["import", "--from-terraform", state.to_str().unwrap(), "--out", &out, "--force"];
        let ran = self.run(nothing, &arguments).await;
        assert_eq!(ran.exit, Exit::Done, "{}{}", ran.out, ran.err);
        let written = fs::read_to_string(out).unwrap();
        (ran, written)
    }

    /// The calls that could have changed something.
    fn changes(&self) -> Vec<String> {
        let reads = ["Describe", "Get", "List", "Head", "Lookup"];
        let calls = self.cloud.calls().into_iter().map(|call| call.operation);
        calls.filter(|it| !reads.iter().any(|read| it.starts_with(read))).collect()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_is_taken_over_and_the_written_program_has_nothing_to_do() {
    let place = Place::planted().await;
    // As it is before the `rustfmt` of this machine lays it out.
    let state = data("state.tfstate");
    let dry = ["import", "--from-terraform", state.to_str().unwrap(), "--dry-run"];
    let written = place.run(nothing, &dry).await.out;
    let (ran, _) = place.import().await;
    let said = ran.said();
    assert!(said.contains("aws_key_pair.admin"), "{said}");
    assert!(!said.contains("there is no aws:"), "{said}");
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(data("written.rs"), &written).unwrap();
    }
    let preview = place.run(written::program, &["preview"]).await;
    assert_eq!(preview.exit, Exit::Done, "{}{}", preview.out, preview.err);
    assert!(preview.said().contains("Nothing to do"), "{}", preview.said());
    assert_eq!(place.changes(), Vec::<String>::new());
    let golden = fs::read_to_string(data("written.rs")).unwrap();
    assert!(golden == written, "written.rs would be written as:\n{written}");
}

/// The written program with one more object, which uses what was taken over.
fn edited(stack: &mut Stack) -> Result<()> {
    written::program(stack)?;
    stack.add("more", infra_aws::logs::LogGroup::new().name("/more"));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edit_changes_only_that() {
    let place = Place::planted().await;
    place.import().await;
    let up = place.run(edited, &["up", "--yes"]).await;
    assert_eq!(up.exit, Exit::Done, "{}{}", up.out, up.err);
    assert_eq!(place.changes(), ["CreateLogGroup"]);
    let back = place.run(written::program, &["up", "--yes"]).await;
    assert_eq!(back.exit, Exit::Done, "{}{}", back.out, back.err);
    assert_eq!(place.changes(), ["CreateLogGroup", "DeleteLogGroup"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_whole_network_is_taken_over_from_what_is_live() {
    let place = Place::planted().await;
    let vpc = "vpc-1a90806b2fd55433c";
    let ran = place.run(nothing, &["import", "--from-live", vpc, "--dry-run"]).await;
    assert_eq!(ran.exit, Exit::Done, "{}{}", ran.out, ran.err);
    let kinds = [
        "ElasticIp",
        "InternetGateway",
        "NatGateway",
        "Route",
        "RouteTable",
        "RouteTableAssociation",
        "SecurityGroup",
        "SecurityGroupRule",
        "Subnet",
        "Vpc",
    ];
    for kind in kinds {
        assert!(ran.said().contains(&format!("aws:ec2:{kind}::")), "no {kind}: {}", ran.said());
    }
    assert!(ran.said().contains("aws:rds:SubnetGroup::"), "{}", ran.said());
    assert_eq!(place.changes(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_taken_over_is_given_back_with_its_references() {
    let place = Place::planted().await;
    place.import().await;
    let folder = place.path("export");
    let arguments = ["export", "--to-terraform", folder.as_str()];
    let ran = place.run(written::program, &arguments).await;
    assert_eq!(ran.exit, Exit::Done, "{}{}", ran.out, ran.err);
    let read = |name: &str| fs::read_to_string(PathBuf::from(&folder).join(name)).unwrap();
    let (main, imports) = (read("main.tf"), read("imports.tf"));
    // As aligned as they may be.
    let main = main.split_whitespace().collect::<Vec<_>>().join(" ");
    for line in [
        "vpc_id = aws_vpc.net_vpc.id",
        "nat_gateway_id = aws_nat_gateway.net_nat_gateway.id",
        "resource \"aws_s3_bucket_versioning\" \"data\"",
        "referenced_security_group_id = aws_security_group.web.id",
        "key_prefixes = [\"infra:\"]",
    ] {
        assert!(main.contains(line), "no `{line}` in\n{main}");
    }
    for id in ["rtb-665350b604c9baad2_0.0.0.0/0", "subnet-aeec732a4e9c45f05/rtb-665350b604c9baad2"]
    {
        assert!(imports.contains(id), "no `{id}` in\n{imports}");
    }
    assert_eq!(place.changes(), Vec::<String>::new());
}

/// What Terraform says otherwise than we do: a group that is open outwards with a rule beside that, a type of ICMP, and a
/// wait for a certificate, which cannot be imported.
fn awkward(stack: &mut Stack) -> Result<()> {
    let vpc = stack.add("vpc", ec2::Vpc::new(cidr!("10.0.0.0/16")));
    let group = ec2::SecurityGroup::new(&vpc.id, "what runs").allow_all_egress(true);
    let group = stack.add("group", group);
    let anywhere = cidr!("10.0.0.0/8");
    let dns = ec2::SecurityGroupRule::egress(&group.id, anywhere, ec2::Ports::Udp(53));
    stack.add("dns", dns);
    let ping = ec2::Ports::IcmpType(8);
    stack.add("ping", ec2::SecurityGroupRule::ingress(&group.id, anywhere, ping));
    let subnet = stack.add(
        "subnet",
        ec2::Subnet::new(&vpc.id, cidr!("10.0.1.0/24"), Zone::trusted("eu-west-1a")),
    );
    let balancer = elbv2::LoadBalancer::new().kind(elbv2::LoadBalancerKind::Network);
    let balancer = balancer.subnets([&subnet.id]).scheme(elbv2::Scheme::Internal);
    let balancer = stack.add("front", balancer);
    let targets = elbv2::TargetGroup::new(elbv2::Protocol::Tcp, 80, &vpc.id);
    let targets = stack.add("targets", targets);
    let zone = stack.add("zone", route53::HostedZone::new("shop.example"));
    let certificate = stack.add("certificate", acm::Certificate::new("shop.example"));
    let proof = certificate.validation_record("shop.example");
    let (name, value) = (proof.map(|it| it.name), proof.map(|it| it.value));
    let record = route53::Record::new(&zone.id, name, route53::RecordType::Cname).values([value]);
    let record = stack.add("proof", record.ttl(300));
    let valid = acm::CertificateValidation::new(&certificate.arn).records([&record.name]);
    let valid = stack.add("valid", valid);
    let forward = elbv2::Action::forward(&targets.arn);
    let listener = elbv2::Listener::new(&balancer.arn, elbv2::Protocol::Tls, 443, forward);
    stack.add("listener", listener.certificate(&valid.arn));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_terraform_would_change_is_told_not_to_be_looked_at() {
    let place = Place::of(Cloud::memory(Settings::default()));
    let up = place.run(awkward, &["up", "--yes"]).await;
    assert_eq!(up.exit, Exit::Done, "{}{}", up.out, up.err);
    let folder = place.path("export");
    let ran = place.run(awkward, &["export", "--to-terraform", &folder]).await;
    assert_eq!(ran.exit, Exit::Done, "{}{}", ran.out, ran.err);
    let main = fs::read_to_string(PathBuf::from(&folder).join("main.tf")).unwrap();
    let main = main.split_whitespace().collect::<Vec<_>>().join(" ");
    for part in [
        "egress { protocol = \"-1\" from_port = 0 to_port = 0 cidr_blocks = [\"0.0.0.0/0\"] } lifecycle { ignore_changes = [egress] }",
        "from_port = 8 to_port = -1",
        "# Not written: aws:acm:CertificateValidation::valid",
        "certificate_arn = aws_acm_certificate.certificate.arn",
    ] {
        assert!(main.contains(part), "no `{part}` in\n{main}");
    }
}
