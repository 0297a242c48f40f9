//! The demo's store on a free port of this machine, over HTTP.

use std::path::Path;
use std::time::Duration;

use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use super::Account;
use crate::cli::demo::store;

pub(crate) const ACCESS_KEY: &str = "gate";
const SECRET_KEY: &str = "gate-secret";

/// Long enough for a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// A store with buckets, gone when dropped.
pub(crate) struct Store {
    address: std::net::SocketAddr,
    folder: TempDir,
    serving: JoinHandle<std::io::Result<()>>,
}

impl Store {
    pub(crate) async fn start(buckets: &[&str]) -> Store {
        let folder = tempfile::tempdir().unwrap();
        for bucket in buckets {
            std::fs::create_dir(folder.path().join(bucket)).unwrap();
        }
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let path = folder.path().to_owned();
        let serve =
            async move { store::serve(listener, &path, ACCESS_KEY, SECRET_KEY, None).await };
        Store { address, folder, serving: tokio::spawn(serve) }
    }

    pub(crate) fn account(&self) -> Account {
        Account {
            endpoint: format!("http://{}", self.address),
            region: "us-east-1".into(),
            access_key: ACCESS_KEY.into(),
            secret_key: SECRET_KEY.into(),
            authorities: None,
        }
    }

    /// Where its buckets are folders.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        self.serving.abort();
    }
}
