//! AWS Signature Version 2: the seal itself, for heads, queries and browser forms.
//!
//! After the AWS documentation, "Signing and Authenticating REST Requests (AWS Signature Version 2)":
//! HMAC-SHA1 of a text under the secret access key. AWS has taken it back in new regions; boto3
//! presigns with it still, s3cmd and rclone do on request.

use hmac::{Hmac, KeyInit as _, Mac as _};

use super::auth::Secret;

/// Bytes of a seal: those of SHA-1.
pub const SEAL_LEN: usize = 20;

/// The seal of a text.
pub fn seal_v2(secret: &Secret, text: &[u8]) -> [u8; SEAL_LEN] {
    keyed(secret).chain_update(text).finalize().into_bytes().into()
}

/// Whether `seal` is that of the text, in a time that does not tell how much of it is right.
pub fn is_sealed_v2(secret: &Secret, text: &[u8], seal: &[u8]) -> bool {
    keyed(secret).chain_update(text).verify_slice(seal).is_ok()
}

fn keyed(secret: &Secret) -> Hmac<sha1::Sha1> {
    let Ok(mac) = Hmac::new_from_slice(secret.expose().as_bytes()) else {
        unreachable!("HMAC takes keys of any length")
    };
    mac
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::s3::base64;

    /// The first example of the AWS page.
    #[test]
    fn a_text_is_sealed_as_aws_seals_it() {
        let secret = Secret::new("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY");
        let text = b"GET\n\n\nTue, 27 Mar 2007 19:36:42 +0000\n/awsexamplebucket1/photos/puppy.jpg";
        let seal = seal_v2(&secret, text);
        assert_eq!(base64(&seal), "qgk2+6Sv9/oM7G3qLEjTH1a1l1g=");
        assert!(is_sealed_v2(&secret, text, &seal));
        assert!(!is_sealed_v2(&secret, &text[1..], &seal));
        assert!(!is_sealed_v2(&secret, text, &seal[1..]));
    }
}
