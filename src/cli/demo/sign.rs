//! AWS Signature Version 4 for the demo's own two uploads: a PUT with an unsigned payload.
//!
//! After the AWS documentation, "Authenticating Requests: Using the Authorization Header".

use std::time::SystemTime;

use hmac::{Hmac, KeyInit, Mac};
use http::Request;
use http::header::{AUTHORIZATION, HOST, HeaderValue};
use sha2::{Digest, Sha256};

const REGION: &str = "us-east-1";
const PAYLOAD: &str = "UNSIGNED-PAYLOAD";
const SIGNED: &str = "host;x-amz-content-sha256;x-amz-date";

/// Signs a PUT whose path needs no escaping and whose Host header is there.
pub fn put<B>(request: &mut Request<B>, access_key: &str, secret: &str, now: SystemTime) {
    let stamp = stamp(now);
    let day = &stamp[..8];
    let scope = format!("{day}/{REGION}/s3/aws4_request");
    let host = request.headers().get(HOST).and_then(|h| h.to_str().ok()).unwrap_or_default();
    let canonical = format!(
        "PUT\n{}\n\nhost:{host}\nx-amz-content-sha256:{PAYLOAD}\nx-amz-date:{stamp}\n\n{SIGNED}\n{PAYLOAD}",
        request.uri().path()
    );
    let to_sign =
        format!("AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{}", hex(&Sha256::digest(canonical)));
    let key = [day, REGION, "s3", "aws4_request"]
        .iter()
        .fold(format!("AWS4{secret}").into_bytes(), |key, part| mac(&key, part));
    let signature = hex(&mac(&key, &to_sign));
    let authorization = format!(
        "AWS4-HMAC-SHA256 Credential={access_key}/{scope}, SignedHeaders={SIGNED}, Signature={signature}"
    );
    let headers = request.headers_mut();
    headers.insert("x-amz-content-sha256", HeaderValue::from_static(PAYLOAD));
    for (name, value) in [("x-amz-date", &stamp), (AUTHORIZATION.as_str(), &authorization)] {
        if let (Ok(name), Ok(value)) =
            (http::HeaderName::try_from(name), HeaderValue::from_str(value))
        {
            headers.insert(name, value);
        }
    }
}

fn stamp(now: SystemTime) -> String {
    let now = jiff::Timestamp::try_from(now).unwrap_or_default();
    now.strftime("%Y%m%dT%H%M%SZ").to_string()
}

fn mac(key: &[u8], text: &str) -> Vec<u8> {
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else {
        unreachable!("HMAC takes keys of any length")
    };
    mac.update(text.as_bytes());
    mac.finalize().into_bytes().to_vec()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
