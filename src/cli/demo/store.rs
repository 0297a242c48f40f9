//! An S3 store in this process, over a directory: for the demo and the tests only. It takes what
//! clients send with a signature that verifies; it is no judge of odd uploads.

use std::io;
use std::path::Path;

use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use s3s::S3Result;
use s3s::auth::SimpleAuth;
use s3s::host::{S3Host, VirtualHost};
use s3s::service::S3ServiceBuilder;
use s3s_fs::FileSystem;
use tokio::net::TcpListener;

/// Serves `directory`, whose folders are buckets, to one access key. Below `domain`, if there is one,
/// the host names the bucket. Ends with its task.
///
/// # Errors
/// The directory can't be used.
pub async fn serve(
    listener: TcpListener,
    directory: &Path,
    access_key: &str,
    secret_key: &str,
    domain: Option<String>,
) -> io::Result<()> {
    let files = FileSystem::new(directory)
        .map_err(|error| io::Error::other(format!("{}: {error:?}", directory.display())))?;
    let mut builder = S3ServiceBuilder::new(files);
    builder.set_auth(SimpleAuth::from_single(access_key, secret_key));
    if let Some(domain) = domain {
        builder.set_host(Domain(domain));
    }
    let service = builder.build();
    loop {
        let (stream, _) = listener.accept().await?;
        let service = service.clone();
        tokio::spawn(async move {
            // A broken connection is its client's affair.
            let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

/// A domain that is known by any port; under other hosts the path names the bucket.
struct Domain(String);

impl S3Host for Domain {
    fn parse_host_header<'a>(&'a self, host: &'a str) -> S3Result<VirtualHost<'a>> {
        let name = host.split_once(':').map_or(host, |(name, _)| name);
        let here = VirtualHost::new(&self.0);
        Ok(match name.strip_suffix(self.0.as_str()).and_then(|name| name.strip_suffix('.')) {
            Some(bucket) => here.with_bucket(bucket),
            None => here,
        })
    }
}
