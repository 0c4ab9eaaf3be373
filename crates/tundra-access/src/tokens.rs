//! JSON web tokens of Supabase, or of another issuer: which are taken, and who holds them. Start at
//! [`TokenVerifier`].
//!
//! Nothing here issues a token, refreshes one, or asks the issuer about one token: what is asked for are
//! the issuer's public keys. Of a token that is not taken nothing is repeated.

mod claims;
mod issuer_keys;
mod key_set;
mod memberships;
mod settings;
mod signature;
mod tenant;

use std::{sync::Arc, time::SystemTime};

use tundra_core::{Secret, TenantId};

use self::{
    claims::Claims,
    issuer_keys::IssuerKeys,
    signature::{Algorithm, Token, VerificationKey},
};
pub use self::{
    memberships::{MembershipSettings, Memberships},
    settings::{KeySetSettings, ServiceRole, TokenSettings, TokenSettingsError},
    tenant::{ClaimPath, ClaimPathError, TenantLookup, TenantSource},
};
use crate::{
    error::{AccessError, TokenFault},
    principal::{Actions, Principal, Via},
};

/// Decides which tokens are taken.
///
/// The algorithm of a signature is that of the key, and never the token's to choose: a key of the issuer
/// has one by its kind, and the shared secret has HS256. What a token says of keys besides the name of
/// one is not looked at.
///
/// # Examples
/// ```
/// use tundra_access::{TokenSettings, TokenVerifier};
///
/// let settings = TokenSettings::supabase("https://abcdef.supabase.co");
/// assert_eq!(settings.issuer, "https://abcdef.supabase.co/auth/v1");
/// let verifier = TokenVerifier::new(settings)?;
/// # Ok::<(), tundra_access::TokenSettingsError>(())
/// ```
#[derive(Debug)]
pub struct TokenVerifier {
    settings: TokenSettings,
    published: Option<IssuerKeys>,
    shared: Option<Arc<VerificationKey>>,
}

impl TokenVerifier {
    /// Makes a verifier. Nothing is asked yet.
    ///
    /// # Errors
    /// When the settings would let in nobody or everybody: without a key, an issuer or an audience, with
    /// a shared secret that can be guessed, or with an address that is none.
    pub fn new(settings: TokenSettings) -> Result<Self, TokenSettingsError> {
        settings.check()?;
        let published = settings.keys.as_ref().map(IssuerKeys::new).transpose()?;
        let shared = settings.shared_secret.as_ref().map(VerificationKey::shared).map(Arc::new);
        Ok(Self { settings, published, shared })
    }

    /// Returns who holds the token, for the organisation that is wanted where its holder is of several.
    ///
    /// # Errors
    /// [`AccessError::Token`] for a token that is not valid at the moment, [`AccessError::NoTenant`],
    /// [`AccessError::SeveralTenants`], [`AccessError::NotMember`], [`AccessError::Role`] and
    /// [`AccessError::Anonymous`] for one that is and whose holder is not let in, and
    /// [`AccessError::Issuer`] when the keys of the issuer, or the organisations of the holder, cannot be had.
    pub async fn verify(
        &self,
        token: &Secret,
        wanted: Option<&TenantId>,
        now: SystemTime,
    ) -> Result<Principal, AccessError> {
        let parsed = Token::parse(token.expose())?;
        let key = self.key(&parsed, now).await?;
        let claims = Claims::read(key.verify(&parsed)?)?;
        claims.check_time(now, self.settings.leeway)?;
        match claims.role() {
            Some("service_role") => return self.service(&claims),
            Some("anon") => return Err(AccessError::Anonymous),
            _ => {}
        }
        claims.check_issuer(&[&self.settings.issuer])?;
        claims.check_audience(&self.settings.audiences)?;
        let subject = claims.subject()?;
        let tenant = match &self.settings.tenant {
            TenantSource::Claim(path) => path.tenant_of(&claims)?,
            TenantSource::RowLevelSecurity(lookup) => {
                tenant::look_up(&**lookup, token, wanted, now).await?
            }
        };
        Ok(Principal {
            subject: subject.to_owned(),
            tenant: Some(tenant),
            actions: self.settings.actions,
            via: Via::Jwt,
        })
    }

    async fn key(
        &self,
        token: &Token<'_>,
        now: SystemTime,
    ) -> Result<Arc<VerificationKey>, AccessError> {
        let not_accepted = || AccessError::Token(TokenFault::Algorithm);
        // The old tokens of Supabase name a key that is not published.
        if token.algorithm == Algorithm::Hs256 {
            return self.shared.clone().ok_or_else(not_accepted);
        }
        let published = self.published.as_ref().ok_or_else(not_accepted)?;
        published.key(token.key_id.as_deref(), token.algorithm, now).await
    }

    /// Lets in the service itself, if that is wanted. Its token has another issuer than those of users,
    /// and no audience.
    fn service(&self, claims: &Claims) -> Result<Principal, AccessError> {
        const ROLE: &str = "service_role";
        if self.settings.service_role != ServiceRole::Operator {
            return Err(AccessError::Role { role: ROLE });
        }
        claims.check_issuer(&[&self.settings.issuer, "supabase"])?;
        Ok(Principal {
            subject: claims.subject().unwrap_or(ROLE).to_owned(),
            tenant: None,
            actions: Actions::ALL,
            via: Via::Jwt,
        })
    }
}
