//! Which credentials a caller may name: [`SecretRule`].
//!
//! It judges names and asks no store, so that what it refuses says nothing of what there is.

use tundra_core::{ErrorKind, Scope, secret_owner};

use crate::Failure;

/// Which secrets callers of one organisation may name. Those of all organisations may name any.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum SecretRule {
    /// Those that are for their organisation by their name; see [`secret_owner`].
    #[default]
    OfOrganisation,
    /// Any, as in Tundra 4.0, where one back end asked for everybody.
    Any,
}

impl SecretRule {
    /// Checks that a caller with this scope may name this secret.
    ///
    /// # Errors
    /// When not, in the same words whether there is such a secret or not.
    pub(crate) fn check(self, scope: &Scope, name: &str) -> Result<(), Failure> {
        let tenant = match (self, scope) {
            (Self::Any, _) | (_, Scope::All) => return Ok(()),
            (Self::OfOrganisation, Scope::Tenant(tenant)) => tenant,
        };
        if secret_owner(name).as_ref() == Some(tenant) {
            return Ok(());
        }
        // The name is not repeated: it may be a password in the wrong place.
        let detail = "`credentials_id`: your organisation has no secret of this name";
        Err(Failure::of_kind(ErrorKind::NotFound, detail).hint(format!(
            "name a secret of the organisation: its name begins with `org-{tenant}_`"
        )))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scope(tenant: &str) -> Scope {
        Scope::Tenant(tenant.parse().unwrap())
    }

    #[test]
    fn an_organisation_names_its_own_secrets_and_no_others() {
        let may = |tenant, name| SecretRule::OfOrganisation.check(&scope(tenant), name).is_ok();
        assert!(may("acme", "org-acme_shop") && may("a-b", "org-a-b_x") && may("a", "org-a_b_x"));
        for (tenant, name) in [
            ("acme", "shop"),
            ("acme", "org-other_shop"),
            ("acme", "org-acme-eu_shop"),
            ("acme-eu", "org-acme_shop"),
            ("a", "org-a-b_x"),
            ("a-b", "org-a_b_x"),
            ("acme", "org-acme"),
            ("acme", "org-acme_"),
            ("acme", "ORG-acme_shop"),
            ("acme", ""),
        ] {
            assert!(!may(tenant, name), "{tenant}: {name}");
        }
    }

    #[test]
    fn who_is_for_all_organisations_names_any_and_so_does_everybody_where_that_is_said() {
        for name in ["shop", "org-other_shop", "postgresql://u:hunter2@h/d"] {
            SecretRule::OfOrganisation.check(&Scope::All, name).unwrap();
            SecretRule::Any.check(&scope("acme"), name).unwrap();
            let refused = SecretRule::OfOrganisation.check(&scope("acme"), name).unwrap_err();
            assert_eq!((refused.status, refused.code.as_str()), (404, "not_found"));
            assert!(!refused.to_string().contains("hunter2"), "{refused}");
            assert!(refused.hints[0].contains("`org-acme_`"), "{:?}", refused.hints);
        }
    }
}
