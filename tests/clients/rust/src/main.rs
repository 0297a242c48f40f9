//! One operation of the AWS SDK for Rust: takes it as JSON in the first argument and prints what came
//! of it as JSON.

use std::fmt::Write as _;
use std::net::Ipv4Addr;

use aws_sdk_s3::config::{BehaviorVersion, Credentials, Region, SharedHttpClient};
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{CompletedMultipartUpload, CompletedPart, Delete, ObjectIdentifier};
use aws_sdk_s3::{Client, Config};
use aws_smithy_http_client::{Builder, tls};
use aws_smithy_runtime_api::client::dns::{DnsFuture, ResolveDns};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

const PART: usize = 8 << 20;

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let job = std::env::args().nth(1).expect("a job");
    let job: Value = serde_json::from_str(&job).expect("JSON");
    let client = client(&job);
    let result = run(&client, &job).await.unwrap_or_else(|error| error);
    println!("{result}");
}

fn text<'a>(job: &'a Value, name: &str) -> &'a str {
    job[name].as_str().unwrap_or_default()
}

fn client(job: &Value) -> Client {
    let keys = Credentials::new(text(job, "access"), text(job, "secret"), None, None, "matrix");
    let config = Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(text(job, "region").to_owned()))
        .credentials_provider(keys)
        .endpoint_url(text(job, "url"))
        .force_path_style(job["virtual"] != true)
        .http_client(http_client(text(job, "certificate")));
    Client::from_conf(config.build())
}

/// Over HTTPS only the certificate of the test is trusted.
fn http_client(certificate: &str) -> SharedHttpClient {
    let pem = std::fs::read(certificate).expect("a certificate");
    let trusted = tls::TrustStore::empty().with_pem_certificate(pem);
    let context = tls::TlsContext::builder().with_trust_store(trusted).build().expect("TLS");
    let provider = tls::Provider::Rustls(tls::rustls_provider::CryptoMode::Ring);
    Builder::new().tls_provider(provider).tls_context(context).build_with_resolver(Here)
}

/// Every name leads to this machine: the system knows none with a wildcard.
#[derive(Clone, Debug)]
struct Here;

impl ResolveDns for Here {
    fn resolve_dns<'a>(&'a self, _name: &'a str) -> DnsFuture<'a> {
        DnsFuture::ready(Ok(vec![Ipv4Addr::LOCALHOST.into()]))
    }
}

async fn run(client: &Client, job: &Value) -> Result<Value, Value> {
    let (bucket, key) = (text(job, "bucket"), text(job, "key"));
    match text(job, "operation") {
        "put" => {
            let body = std::fs::read(text(job, "file")).expect("a file");
            let mut put = client.put_object().bucket(bucket).key(key).body(ByteStream::from(body));
            if let Some(kind) = job["kind"].as_str() {
                put = put.content_type(kind);
            }
            for (name, value) in job["meta"].as_object().into_iter().flatten() {
                put = put.metadata(name, value.as_str().unwrap_or_default());
            }
            let made = put.send().await.map_err(failed)?;
            Ok(json!({"etag": made.e_tag()}))
        }
        "put-stream" => {
            let body = ByteStream::from_path(text(job, "file")).await.expect("a file");
            let put = client.put_object().bucket(bucket).key(key).body(body);
            let made = put.send().await.map_err(failed)?;
            Ok(json!({"etag": made.e_tag()}))
        }
        "upload" => upload(client, bucket, key, text(job, "file")).await,
        "get" => {
            let range = job["range"].as_str().map(str::to_owned);
            let get = client.get_object().bucket(bucket).key(key).set_range(range);
            let found = get.send().await.map_err(failed)?;
            let about = json!({"kind": found.content_type(), "etag": found.e_tag()});
            let body = found.body.collect().await.map_err(|e| json!({"body": e.to_string()}))?;
            Ok(json!({"about": about, "body": digest(&body.into_bytes())}))
        }
        "head" => {
            let found =
                client.head_object().bucket(bucket).key(key).send().await.map_err(failed)?;
            Ok(json!({"bytes": found.content_length(), "kind": found.content_type()}))
        }
        "list" => {
            let list = client.list_objects_v2().bucket(bucket).prefix(key);
            let found = list.send().await.map_err(failed)?;
            let keys: Vec<_> =
                found.contents().iter().map(|o| json!([o.key(), o.size()])).collect();
            Ok(json!(keys))
        }
        "delete" => {
            client.delete_object().bucket(bucket).key(key).send().await.map_err(failed)?;
            Ok(json!("deleted"))
        }
        "delete-many" => {
            let keys = job["keys"].as_array().into_iter().flatten().filter_map(Value::as_str);
            let objects = keys.map(|key| ObjectIdentifier::builder().key(key).build());
            let objects: Result<Vec<_>, _> = objects.collect();
            let delete = Delete::builder().set_objects(Some(objects.expect("keys")));
            let delete = delete.build().expect("keys");
            let made = client.delete_objects().bucket(bucket).delete(delete).send().await;
            let deleted = made.map_err(failed)?;
            let keys: Vec<_> = deleted.deleted().iter().map(|found| json!(found.key())).collect();
            Ok(json!(keys))
        }
        other => Err(json!({"unknown": other})),
    }
}

/// One part after the other; an upload that fails is not aborted, as few programs do that.
async fn upload(client: &Client, bucket: &str, key: &str, file: &str) -> Result<Value, Value> {
    let data = std::fs::read(file).expect("a file");
    let made = client.create_multipart_upload().bucket(bucket).key(key).send().await;
    let id = made.map_err(failed)?.upload_id().unwrap_or_default().to_owned();
    let mut parts = Vec::new();
    for (number, part) in (1..).zip(data.chunks(PART)) {
        let body = ByteStream::from(part.to_vec());
        let put = client.upload_part().bucket(bucket).key(key).upload_id(&id).part_number(number);
        let made = put.body(body).send().await.map_err(failed)?;
        let part = CompletedPart::builder().part_number(number);
        parts.push(part.set_e_tag(made.e_tag().map(str::to_owned)).build());
    }
    let parts = CompletedMultipartUpload::builder().set_parts(Some(parts)).build();
    let complete = client.complete_multipart_upload().bucket(bucket).key(key).upload_id(&id);
    let made = complete.multipart_upload(parts).send().await.map_err(failed)?;
    Ok(json!({"etag": made.e_tag()}))
}

fn failed<E: ProvideErrorMetadata>(error: SdkError<E>) -> Value {
    match &error {
        SdkError::ServiceError(service) => json!({
            "error": service.err().code(),
            "text": service.err().message(),
            "status": service.raw().status().as_u16(),
        }),
        _ => json!({"failed": error.to_string()}),
    }
}

fn digest(bytes: &[u8]) -> Value {
    let mut hex = String::new();
    for byte in Sha256::digest(bytes) {
        let _ = write!(hex, "{byte:02x}");
    }
    json!({"bytes": bytes.len(), "sha256": hex})
}
