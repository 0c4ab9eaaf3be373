//! Secrets that stand in variables.

use std::{collections::HashMap, fmt};

use async_trait::async_trait;
use tundra_core::{ErrorKind, Secret, SecretError, SecretStore, secret_owner};
use zeroize::Zeroizing;

use crate::secrets::{check_name, checked, failed};

/// What the names of the variables begin with.
const PREFIX: &str = "TUNDRA_SECRET_";

/// Secrets that stand in variables: the one named `warehouse-main` in
/// `TUNDRA_SECRET_WAREHOUSE_MAIN`.
///
/// Names that differ only in case, or in `-` and `_`, are one; not so those of organisations: that of
/// `org-acme_shop` stands in `TUNDRA_SECRET_org-acme_shop`. The variables are those that the caller gives;
/// the process's own are not read. A variable with nothing in it counts as not set.
///
/// # Examples
/// ```
/// # async fn example() -> Result<(), tundra_core::SecretError> {
/// use tundra_catalog::EnvironmentSecrets;
/// use tundra_core::SecretStore as _;
///
/// let variables = [("TUNDRA_SECRET_WAREHOUSE_MAIN".to_owned(), "…".to_owned())];
/// let secrets = EnvironmentSecrets::from_vars(variables);
/// let credentials = secrets.get("warehouse-main").await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Default)]
pub struct EnvironmentSecrets {
    /// By the name of the variable.
    values: HashMap<String, Secret>,
}

impl EnvironmentSecrets {
    /// Takes those of the variables that hold secrets.
    pub fn from_vars(variables: impl IntoIterator<Item = (String, String)>) -> Self {
        let values = variables
            .into_iter()
            .filter(|(name, value)| name.starts_with(PREFIX) && !value.is_empty())
            .map(|(name, value)| (name, Secret::new(value)))
            .collect();
        Self { values }
    }
}

#[async_trait]
impl SecretStore for EnvironmentSecrets {
    async fn get(&self, name: &str) -> Result<Secret, SecretError> {
        check_name(name)?;
        let variable = variable(name);
        let Some(value) = self.values.get(&variable) else {
            let reason = format!("the variable `{variable}` is not set");
            return Err(failed(name, ErrorKind::NotFound, reason));
        };
        checked(name, Zeroizing::new(value.expose().as_bytes().to_vec()))
    }

    async fn forget(&self, _name: &str) {}
}

impl fmt::Debug for EnvironmentSecrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("EnvironmentSecrets").field(&self.values.keys()).finish()
    }
}

fn variable(name: &str) -> String {
    // In capitals, `org-a_b_x` of one organisation and `org-a-b_x` of another would be one.
    match secret_owner(name) {
        Some(_) => format!("{PREFIX}{name}"),
        None => format!("{PREFIX}{}", name.to_ascii_uppercase().replace('-', "_")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variable_is_named_as_the_secret_in_capitals() {
        assert_eq!(variable("warehouse-Main_2"), "TUNDRA_SECRET_WAREHOUSE_MAIN_2");
    }

    #[test]
    fn secrets_of_two_organisations_are_never_one_variable() {
        for name in ["org-a_b_x", "org-a-b_x", "org-a_b-x", "org-a_B_X"] {
            assert_eq!(variable(name), format!("TUNDRA_SECRET_{name}"));
        }
        // What is of no organisation is in capitals, and so is none of those.
        assert_eq!(variable("org-a-b-x"), "TUNDRA_SECRET_ORG_A_B_X");
    }
}
