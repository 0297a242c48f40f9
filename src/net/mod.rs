//! Sockets: the listener and its TLS, connections to the store, limits and timeouts of both.

pub mod alarm;
pub mod bell;
pub mod body;
pub mod budget;
mod clock;
pub mod conversation;
pub mod downstream;
pub mod entrance;
pub mod listener;
mod pem;
pub mod proxies;
pub mod proxy_protocol;
pub mod stamp;
pub mod tls;
pub mod upstream;
