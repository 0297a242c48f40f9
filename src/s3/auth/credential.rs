//! `key/day/region/s3/aws4_request`: who signs, and when and where it holds.

use super::super::signature::MAX_ACCESS_KEY;
use super::malformed::Fault;

/// Longest region in bytes; AWS's have up to 14, those of other stores are what operators make up.
const MAX_REGION: usize = 64;

/// A SigV4 credential for S3.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in super::super) struct Credential<'a> {
    /// Not empty; it may hold slashes.
    pub(in super::super) access_key: &'a str,
    /// Eight digits.
    pub(in super::super) day: &'a str,
    /// Not empty.
    pub(in super::super) region: &'a str,
}

impl<'a> Credential<'a> {
    pub(in super::super) fn parse(text: &'a str) -> Result<Self, Fault> {
        let mut parts = text.rsplitn(5, '/');
        let mut next = || parts.next().filter(|part| !part.is_empty()).ok_or(Fault::Credential);
        let (terminator, service, region, day) = (next()?, next()?, next()?, next()?);
        let access_key = next()?;
        let graphic = |text: &str| text.bytes().all(|byte| byte.is_ascii_graphic());
        let shaped = access_key.len() <= MAX_ACCESS_KEY
            && graphic(access_key)
            && day.len() == 8
            && day.bytes().all(|byte| byte.is_ascii_digit())
            && region.len() <= MAX_REGION
            && graphic(region);
        match (service, terminator) {
            _ if !shaped => Err(Fault::Credential),
            ("s3", "aws4_request") => Ok(Credential { access_key, day, region }),
            ("s3", _) => Err(Fault::Terminator(terminator.to_owned())),
            _ => Err(Fault::Service(service.to_owned())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_have_five_parts() {
        let good = Credential { access_key: "AK/ID", day: "20130524", region: "eu-west-1" };
        assert_eq!(Credential::parse("AK/ID/20130524/eu-west-1/s3/aws4_request"), Ok(good));
        let long = |key: usize, region: usize| {
            format!("{}/20130524/{}/s3/aws4_request", "k".repeat(key), "r".repeat(region))
        };
        assert!(Credential::parse(&long(MAX_ACCESS_KEY, MAX_REGION)).is_ok());
        for text in [
            "",
            "AKID",
            "20130524/eu-west-1/s3/aws4_request",
            "/20130524/eu-west-1/s3/aws4_request",
            "AKID//eu-west-1/s3/aws4_request",
            "AKID/2013052/eu-west-1/s3/aws4_request",
            "AKID/2013052a/eu-west-1/s3/aws4_request",
            "AKID/20130524//s3/aws4_request",
            "AKID/20130524/eu west/s3/aws4_request",
            "AK ID/20130524/eu-west-1/s3/aws4_request",
            "AKID/20130524/eu-west-1/s3/",
            &long(MAX_ACCESS_KEY + 1, 1),
            &long(1, MAX_REGION + 1),
        ] {
            assert_eq!(Credential::parse(text), Err(Fault::Credential), "{text}");
        }
        for (text, fault) in [
            ("AKID/20130524/r/ec2/aws4_request", Fault::Service("ec2".into())),
            ("AKID/20130524/r/S3/aws4_request", Fault::Service("S3".into())),
            ("AKID/20130524/r/s3/aws5_request", Fault::Terminator("aws5_request".into())),
        ] {
            assert_eq!(Credential::parse(text), Err(fault), "{text}");
        }
    }
}
