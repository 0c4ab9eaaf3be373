//! Several stores, asked in turn.

use std::sync::Arc;

use async_trait::async_trait;
use tundra_core::{ErrorKind, Secret, SecretError, SecretStore};

use crate::secrets::{check_name, failed};

/// Several stores, of which the first that has the secret gives it.
///
/// Only [`ErrorKind::NotFound`] leads to the next store. Any other failure is the answer: a secret
/// must not come from a second place because the first could not be asked.
#[derive(Debug, Clone, Default)]
pub struct SecretChain {
    stores: Vec<Arc<dyn SecretStore>>,
}

impl SecretChain {
    /// Joins the stores in the order in which they are to be asked.
    pub fn new(stores: impl IntoIterator<Item = Arc<dyn SecretStore>>) -> Self {
        Self { stores: stores.into_iter().collect() }
    }
}

#[async_trait]
impl SecretStore for SecretChain {
    async fn get(&self, name: &str) -> Result<Secret, SecretError> {
        check_name(name)?;
        let mut missing = Vec::new();
        for store in &self.stores {
            match store.get(name).await {
                Err(error) if error.kind == ErrorKind::NotFound => missing.push(error),
                answer => return answer,
            }
        }
        // The only store's own error may have a cause.
        if missing.len() == 1
            && let Some(error) = missing.pop()
        {
            return Err(error);
        }
        let reasons: Vec<&str> = missing.iter().map(|error| error.reason.as_str()).collect();
        let reason = match reasons.as_slice() {
            [] => "there is no store of secrets".to_owned(),
            reasons => reasons.join(", and "),
        };
        let mut error = failed(name, ErrorKind::NotFound, reason);
        error.hints = missing.into_iter().flat_map(|error| error.hints).collect();
        Err(error)
    }

    async fn forget(&self, name: &str) {
        for store in &self.stores {
            store.forget(name).await;
        }
    }
}
