//! The smallest program: one bucket.
//!
//! ```text
//! cargo run --example hello-bucket --no-default-features --features s3   # compiles S3 and nothing else of AWS
//! ```

use std::process::ExitCode;

use infra_aws::s3;
use infra_core::{App, prelude::*};

fn program(stack: &mut Stack) -> Result<()> {
    let logs = stack.add("logs", s3::Bucket::new().versioning(true));
    stack.export("bucket", &logs.name);
    Ok(())
}

#[tokio::main]
async fn main() -> ExitCode {
    App::new("hello-bucket")
        .cloud("simulated", infra_aws::simulated())
        .cloud("aws", infra_aws::aws())
        .run(program)
        .await
}
