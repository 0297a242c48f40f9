//! The demo's in-process store alone, for tests that want it behind a gate of their own.
//!
//! `cargo run --example store -- --address 127.0.0.1:9100 --directory DIR --access-key A --secret-key S`

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Parser;
use s3bouncer::cli::demo::store;

#[derive(Parser)]
struct Arguments {
    #[arg(long)]
    address: SocketAddr,
    /// Its folders are the buckets.
    #[arg(long)]
    directory: PathBuf,
    #[arg(long)]
    access_key: String,
    #[arg(long)]
    secret_key: String,
    /// Below it the host names the bucket.
    #[arg(long)]
    domain: Option<String>,
}

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let Arguments { address, directory, access_key, secret_key, domain } = Arguments::parse();
    let listener = tokio::net::TcpListener::bind(address).await?;
    store::serve(listener, &directory, &access_key, &secret_key, domain).await
}
