//! Several processes on one directory, killed in the middle of their work.
//!
//! The processes are this test binary again, running only [`worker`].

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use infra_aws_simulated::{Cloud, Durations, Settings};

use crate::caller::{Caller, caller};

const KEY: [u8; 32] = [9; 32];
/// Where the worker works; without it [`worker`] is no test at all.
const DIR: &str = "EMBEDDED_AWS_TEST_DIR";
/// Where it notes what it was answered.
const NOTES: &str = "EMBEDDED_AWS_TEST_NOTES";

fn open(dir: &Path) -> Caller {
    let settings = Settings::default().durations(Durations::Instant);
    let aws = caller(Cloud::open(dir, &KEY, settings).unwrap());
    // Where buckets are made without a word.
    Caller { region: "us-east-1", ..aws }
}

/// Makes VPCs and objects until it is killed.
#[tokio::test]
async fn worker() {
    let (Some(dir), Some(notes)) = (std::env::var_os(DIR), std::env::var_os(NOTES)) else { return };
    let aws = open(Path::new(&dir));
    let mut notes = std::fs::File::options().append(true).create(true).open(notes).unwrap();
    let object = format!("/bucket/{}", std::process::id());
    aws.send("s3", "PUT", "/bucket", &[], "").await.ok();
    loop {
        let vpc = aws.ec2("CreateVpc", "CidrBlock=10.0.0.0/16").await.ok().get("vpcId");
        writeln!(notes, "{vpc}").unwrap();
        aws.send("s3", "PUT", &object, &[], "x".repeat(10_000)).await.ok();
    }
}

struct Worker {
    child: Child,
    notes: PathBuf,
}

impl Worker {
    /// A process that is killed by the system as soon as it makes a file larger than `limit`
    /// blocks of 512 bytes: what fits of a write is written before.
    fn start(dir: &Path, notes: PathBuf, limit: Option<u64>) -> Self {
        let limit = limit.map_or_else(|| "unlimited".to_owned(), |blocks| blocks.to_string());
        let child = Command::new("sh")
            .args(["-c", "ulimit -c 0; ulimit -f $0; exec \"$@\"", &limit])
            .arg(std::env::current_exe().unwrap())
            .args(["--exact", "processes::worker"])
            .env(DIR, dir)
            .env(NOTES, &notes)
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        Self { child, notes }
    }

    /// The VPCs whose creation was answered.
    fn answered(&self) -> Vec<String> {
        let text = std::fs::read_to_string(&self.notes).unwrap_or_default();
        // The last line may be cut off: the note is not the cloud's.
        let whole = text.rsplit_once('\n').map_or("", |(whole, _)| whole);
        whole.lines().map(str::to_owned).collect()
    }

    /// SIGKILL.
    fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Waits until `done`, looking all the time: to be there while something is being written.
fn watch(mut done: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !done() {
        assert!(begun.elapsed() < Duration::from_secs(30), "nothing happens");
        std::thread::sleep(Duration::from_micros(50));
    }
}

/// Every VPC has what AWS makes along with it: a call is there in whole or not at all. Gives the
/// number of VPCs.
async fn check(aws: &Caller, answered: &[String]) -> usize {
    let vpcs = aws.ec2("DescribeVpcs", "").await.ok().text;
    for vpc in answered {
        assert!(vpcs.contains(&format!("<vpcId>{vpc}</vpcId>")), "{vpc} was answered and is gone");
    }
    // Asked for later: of VPCs that are made meanwhile there may be more, not less.
    for action in ["DescribeSecurityGroups", "DescribeRouteTables", "DescribeNetworkAcls"] {
        let along = aws.ec2(action, "").await.ok().text;
        for vpc in vpcs.split("<vpcId>").skip(1).filter_map(|it| it.split('<').next()) {
            assert!(along.contains(&format!("<vpcId>{vpc}</vpcId>")), "{action} without {vpc}");
        }
    }
    vpcs.matches("<vpcId>").count()
}

#[tokio::test]
async fn a_killed_process_leaves_whole_calls_and_stops_nobody() {
    let (dir, notes) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let dir = dir.path();
    let here = open(dir);
    let log = dir.join("world.log");
    let size = || std::fs::metadata(&log).unwrap().len();
    let start = |name: &str| Worker::start(dir, notes.path().join(name), None);

    let mut survivor = start("survivor");
    watch(|| !survivor.answered().is_empty());
    let mut answered = Vec::new();
    for round in 0..4 {
        let mut victim = start(&round.to_string());
        watch(|| !victim.answered().is_empty());
        // At another depth of a write each time: when the log moves, or a little later.
        let before = size();
        watch(|| size() != before);
        std::thread::sleep(Duration::from_micros(300 * round));
        victim.kill();
        answered.extend(victim.answered());
        check(&here, &answered).await;
        let so_far = survivor.answered().len();
        watch(|| survivor.answered().len() > so_far);
    }
    survivor.kill();
    answered.extend(survivor.answered());
    let made = check(&here, &answered).await;
    // What was under way at a kill may have been carried out without being answered.
    assert!((answered.len()..=answered.len() + 5).contains(&made), "{made} {}", answered.len());
    assert_eq!(check(&open(dir), &answered).await, made);
}

#[tokio::test]
async fn a_process_that_dies_within_a_frame_is_survived() {
    let (dir, notes) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let dir = dir.path();
    let here = open(dir);
    let log = dir.join("world.log");
    let size = || std::fs::metadata(&log).unwrap().len();
    let mut answered = Vec::new();
    // In the frame of an object, or in that of a VPC.
    for more in [80, 83, 87] {
        let limit = size() / 512 + more;
        let mut victim = Worker::start(dir, notes.path().join(more.to_string()), Some(limit));
        victim.child.wait().unwrap();
        assert_eq!(size(), limit * 512, "it died somewhere else");
        answered.extend(victim.answered());
        // Both who was there and who comes now read what is whole, and write after it.
        check(&here, &answered).await;
        let aws = open(dir);
        assert!(size() < limit * 512);
        for aws in [&here, &aws] {
            answered.push(aws.ec2("CreateVpc", "CidrBlock=10.0.0.0/16").await.ok().get("vpcId"));
        }
        check(&here, &answered).await;
    }
    assert!(answered.len() > 6, "the victims did something before");
}
