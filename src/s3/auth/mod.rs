//! Who a request is from, proven: for a gate that knows its clients' secrets.

mod secret;

pub use secret::{Credentials, Secret};
