//! The signature of the demo's own two uploads.

use std::time::SystemTime;

use http::Request;
use http::header::{AUTHORIZATION, HeaderValue, InvalidHeaderValue};

use crate::s3::Head;
use crate::s3::sigv4::{Scope, Signer, Stamp, UNSIGNED_PAYLOAD};

const REGION: &str = "us-east-1";
const SIGNED: [&str; 3] = ["host", "x-amz-content-sha256", "x-amz-date"];

/// Signs a request whose Host header is there; its payload is not signed.
///
/// # Errors
/// The access key can't stand in a header.
pub fn sign<B>(
    request: &mut Request<B>,
    access_key: &str,
    secret: &str,
    now: SystemTime,
) -> Result<(), InvalidHeaderValue> {
    let stamp = Stamp::of(now);
    let headers = request.headers_mut();
    headers.insert("x-amz-content-sha256", HeaderValue::from_static(UNSIGNED_PAYLOAD));
    headers.insert("x-amz-date", HeaderValue::from_str(stamp.as_str())?);
    let signer = Signer::new(access_key, secret, Scope { stamp, region: REGION.to_owned() });
    let head = Head::new(request.method(), request.uri(), request.headers());
    let authorization = signer.authorize(&head, &SIGNED, UNSIGNED_PAYLOAD).value;
    request.headers_mut().insert(AUTHORIZATION, HeaderValue::from_str(&authorization)?);
    Ok(())
}
