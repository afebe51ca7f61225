//! Runs `ls -la` as a job, and stops a second one. Usage: main_job CLIENT.toml
use std::io::{Write, stderr, stdout};
use std::{env, error::Error, fs};

use jobworker::job_worker_client::JobWorkerClient;
use jobworker::{JobRequest, JobSpec, Stream};
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Identity};

mod jobworker {
    tonic::include_proto!("jobworker.v1");
}

/// The channel that the file, which `job-worker-server client add` has written, is for.
async fn connect(file: &str) -> Result<Channel, Box<dyn Error>> {
    let me: toml::Table = fs::read_to_string(file)?.parse()?;
    let text = |name: &str| me.get(name).and_then(|value| value.as_str()).ok_or(format!("no {name}"));
    let tls = ClientTlsConfig::new()
        .ca_certificate(Certificate::from_pem(text("ca")?))
        .identity(Identity::from_pem(text("cert")?, text("key")?));
    let server = Channel::from_shared(format!("https://{}", text("address")?))?;
    Ok(server.tls_config(tls)?.connect().await?)
}

fn command(words: &[&str]) -> JobRequest {
    let command = words.iter().map(|word| word.to_string()).collect();
    JobRequest { spec: Some(JobSpec { command, ..Default::default() }), ..Default::default() }
}

fn about(id: &str) -> JobRequest {
    JobRequest { id: id.to_owned(), ..Default::default() }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let file = env::args().nth(1).ok_or("usage: main_job CLIENT.toml")?;
    let mut server = JobWorkerClient::new(connect(&file).await?);
    let id = server.start(command(&["ls", "-la"])).await?.into_inner().id;
    println!("{id} is {}", server.status(about(&id)).await?.into_inner().status);
    let mut logs = server.logs(about(&id)).await?.into_inner();
    while let Some(message) = logs.message().await? { // until the job ends
        if message.dropped_bytes > 0 {
            eprintln!("{} bytes are kept no more", message.dropped_bytes);
        }
        match message.stream() {
            Stream::Stderr => stderr().write_all(&message.log)?,
            _ => stdout().write_all(&message.log)?,
        }
    }
    let ended = server.status(about(&id)).await?.into_inner();
    println!("{id} is {} with exit code {}", ended.status, ended.exit_code());
    let second = server.start(command(&["sleep", "1000"])).await?.into_inner().id;
    println!("{second} is {}", server.stop(about(&second)).await?.into_inner().status);
    Ok(())
}
