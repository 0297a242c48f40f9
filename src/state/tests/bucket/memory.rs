//! An S3 store in memory, with one bucket, small pages, and conditions that it may ignore. (The
//! demo's store files each object under a longer name than its key, too long for a part's record.)

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::ops::Bound;
use std::sync::{Arc, Mutex};
use std::time::SystemTime;

use bytes::Bytes;
use futures_util::TryStreamExt;
use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use s3s::auth::SimpleAuth;
use s3s::dto::{
    DeleteObjectInput, DeleteObjectOutput, GetObjectInput, GetObjectOutput, HeadObjectInput,
    HeadObjectOutput, ListObjectsV2Input, ListObjectsV2Output, Object, PutObjectInput,
    PutObjectOutput, StreamingBlob, Timestamp,
};
use s3s::service::S3ServiceBuilder;
use s3s::{Body, S3, S3Request, S3Response, S3Result, s3_error};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::own_access::Account;

/// Keys in a page of a listing.
pub(super) const PAGE: usize = 20;

const BUCKET: &str = "state";
const ACCESS_KEY: &str = "gate";
const SECRET_KEY: &str = "gate-secret";

type Kept = Arc<Mutex<BTreeMap<String, (Bytes, SystemTime)>>>;

pub(super) struct Store {
    address: SocketAddr,
    kept: Kept,
    serving: JoinHandle<()>,
}

impl Store {
    pub(super) async fn start(honours_conditions: bool) -> Store {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let kept = Kept::default();
        let mut builder = S3ServiceBuilder::new(Memory { kept: kept.clone(), honours_conditions });
        builder.set_auth(SimpleAuth::from_single(ACCESS_KEY, SECRET_KEY));
        let service = builder.build();
        let serving = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let connection =
                    http1::Builder::new().serve_connection(TokioIo::new(stream), service.clone());
                tokio::spawn(connection);
            }
        });
        Store { address, kept, serving }
    }

    pub(super) fn account(&self) -> Account {
        Account {
            endpoint: format!("http://{}", self.address),
            region: "us-east-1".into(),
            access_key: ACCESS_KEY.into(),
            secret_key: SECRET_KEY.into(),
            authorities: None,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.kept.lock().unwrap().len()
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

struct Memory {
    kept: Kept,
    honours_conditions: bool,
}

impl Memory {
    fn find(&self, bucket: &str, key: &str) -> S3Result<(Bytes, SystemTime)> {
        known(bucket)?;
        let found = self.kept.lock().unwrap().get(key).cloned();
        found.ok_or_else(|| s3_error!(NoSuchKey))
    }
}

fn known(bucket: &str) -> S3Result<()> {
    if bucket == BUCKET { Ok(()) } else { Err(s3_error!(NoSuchBucket)) }
}

#[async_trait::async_trait]
impl S3 for Memory {
    async fn put_object(
        &self,
        request: S3Request<PutObjectInput>,
    ) -> S3Result<S3Response<PutObjectOutput>> {
        let PutObjectInput { bucket, key, body, if_none_match, .. } = request.input;
        known(&bucket)?;
        let mut bytes = Vec::new();
        if let Some(mut body) = body {
            while let Some(piece) = body.try_next().await.map_err(|_| s3_error!(IncompleteBody))? {
                bytes.extend_from_slice(&piece);
            }
        }
        let mut kept = self.kept.lock().unwrap();
        if self.honours_conditions && if_none_match.is_some() && kept.contains_key(&key) {
            return Err(s3_error!(PreconditionFailed));
        }
        kept.insert(key, (bytes.into(), SystemTime::now()));
        Ok(S3Response::new(PutObjectOutput {
            e_tag: Some(s3s::dto::ETag::Strong("etag".into())),
            ..Default::default()
        }))
    }

    async fn get_object(
        &self,
        request: S3Request<GetObjectInput>,
    ) -> S3Result<S3Response<GetObjectOutput>> {
        let (bytes, modified) = self.find(&request.input.bucket, &request.input.key)?;
        Ok(S3Response::new(GetObjectOutput {
            content_length: Some(bytes.len() as i64),
            last_modified: Some(Timestamp::from(modified)),
            e_tag: Some(s3s::dto::ETag::Strong("etag".into())),
            body: Some(StreamingBlob::from(Body::from(bytes))),
            ..Default::default()
        }))
    }

    async fn head_object(
        &self,
        request: S3Request<HeadObjectInput>,
    ) -> S3Result<S3Response<HeadObjectOutput>> {
        let (bytes, modified) = self.find(&request.input.bucket, &request.input.key)?;
        Ok(S3Response::new(HeadObjectOutput {
            content_length: Some(bytes.len() as i64),
            last_modified: Some(Timestamp::from(modified)),
            e_tag: Some(s3s::dto::ETag::Strong("etag".into())),
            ..Default::default()
        }))
    }

    async fn delete_object(
        &self,
        request: S3Request<DeleteObjectInput>,
    ) -> S3Result<S3Response<DeleteObjectOutput>> {
        known(&request.input.bucket)?;
        self.kept.lock().unwrap().remove(&request.input.key);
        Ok(S3Response::new(DeleteObjectOutput::default()))
    }

    async fn list_objects_v2(
        &self,
        request: S3Request<ListObjectsV2Input>,
    ) -> S3Result<S3Response<ListObjectsV2Output>> {
        let ListObjectsV2Input { bucket, prefix, continuation_token, .. } = request.input;
        known(&bucket)?;
        let prefix = prefix.unwrap_or_default();
        let behind = match &continuation_token {
            Some(token) => Bound::Excluded(token.clone()),
            None => Bound::Included(prefix.clone()),
        };
        let kept = self.kept.lock().unwrap();
        let fitting =
            kept.range((behind, Bound::Unbounded)).take_while(|(key, _)| key.starts_with(&prefix));
        let object = |(key, (bytes, modified)): (&String, &(Bytes, SystemTime))| Object {
            key: Some(key.clone()),
            size: Some(bytes.len() as i64),
            last_modified: Some(Timestamp::from(*modified)),
            ..Default::default()
        };
        let mut contents: Vec<Object> = fitting.take(PAGE + 1).map(object).collect();
        let more = contents.len() > PAGE;
        contents.truncate(PAGE);
        let last = contents.last().and_then(|object| object.key.clone());
        Ok(S3Response::new(ListObjectsV2Output {
            is_truncated: Some(more),
            next_continuation_token: last.filter(|_| more),
            contents: Some(contents),
            prefix: Some(prefix),
            name: Some(bucket),
            ..Default::default()
        }))
    }
}
