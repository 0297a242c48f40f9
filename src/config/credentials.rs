//! stand-in until the file is read
use crate::s3::auth::Credentials;
use std::sync::Arc;
/// A client
pub struct Client {
    /// a
    pub credentials: Credentials,
    /// b
    pub identity: Arc<Credentials>,
}
impl Client {
    /// c
    pub fn may(&self, _bucket: Option<&str>) -> bool {
        true
    }
}
/// d
pub struct Clients(pub Vec<Arc<Client>>);
impl Clients {
    /// e
    pub fn find(&self, key: &str) -> Option<Arc<Client>> {
        self.0.iter().find(|c| c.credentials.access_key == key).cloned()
    }
}
