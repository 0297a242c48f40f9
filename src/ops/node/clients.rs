//! Credentials files that change while the gate runs.

use std::path::PathBuf;

use super::Node;
use crate::config::Signing;

impl Node {
    /// Takes credentials files that have changed. One that is wrong leaves the clients that were
    /// there before.
    pub(super) async fn renew_clients(&self) {
        let mut files: Vec<PathBuf> = Vec::new();
        for store in &self.gate.view.load().stores {
            if let Signing::Anew(anew) = &store.config.signing
                && !files.contains(&anew.credentials)
            {
                files.push(anew.credentials.clone());
            }
        }
        if files.is_empty() {
            return;
        }
        // A reload reads them too.
        let Ok(_alone) = self.reloading.try_lock() else { return };
        for file in files {
            let (watch, path) = (self.watch.clone(), file.clone());
            let reading = tokio::task::spawn_blocking(move || watch.read_if_changed(&path));
            match reading.await {
                Ok(Ok(None)) | Err(_) => continue,
                Ok(Ok(Some(clients))) => {
                    tracing::info!(file = %file.display(), clients = clients.len(), "credentials");
                    self.gate.view.rcu(|view| view.with_clients(&file, &clients));
                    self.current().useless_files.remove(&file);
                }
                Ok(Err(error)) => {
                    tracing::error!(%error, "the credentials can't be taken");
                    self.current().useless_files.insert(file);
                }
            }
            self.show_success();
        }
    }
}
