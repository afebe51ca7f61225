//! Generates the client from the descriptor set that is published with each build; no protoc is needed.
use prost::Message;
use std::{env, error::Error, fs};

fn main() -> Result<(), Box<dyn Error>> {
    let file = env::var("JOB_WORKER_DESCRIPTORS")
        .unwrap_or("../../api/target/job_worker.binpb".to_owned());
    println!("cargo::rerun-if-changed={file}");
    let contract = prost_types::FileDescriptorSet::decode(fs::read(file)?.as_slice())?;
    tonic_prost_build::configure().build_server(false).compile_fds(contract)?;
    Ok(())
}
