//! Who asks, and what they may do: [`Principal`].
//!
//! Nothing here finds out who it is; that is the authenticator's. What is allowed is said in actions and
//! in the reach over organisations, never in paths or methods of an API.

use std::{fmt, str::FromStr};

use tundra_core::{Classify, ErrorKind, Retry, Scope, TenantId};

use crate::error::AccessError;

/// Who asks, as it was proven.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    /// Who it is, for logs and records: the id of a key, or the subject of a token. Unique together with
    /// [`Principal::via`]. No secret.
    pub subject: String,
    /// The organisation that it acts for; `None` for all of them, which is an operator's reach.
    pub tenant: Option<TenantId>,
    /// What it may do there.
    pub actions: Actions,
    /// How it proved who it is.
    pub via: Via,
}

/// How somebody proved who they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Via {
    /// By a key that was made here.
    ApiKey,
    /// By a token of an issuer that is trusted.
    Jwt,
    /// By being at this machine, where nothing else is asked for.
    Local,
}

/// Something that may be allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Action {
    /// To convert, and to infer a schema.
    Convert,
    /// To see sources, versions, receipts, previews and jobs.
    Read,
    /// To change what is catalogued: sources, uploads, which version is the current one.
    Write,
    /// To try a connection to a database with credentials of one's own.
    TestConnection,
    /// To see and steer the service itself: metrics, and the jobs of everybody. Needs the reach over all
    /// organisations.
    Operate,
}

/// A set of actions.
///
/// # Examples
/// ```
/// use tundra_access::{Action, Actions};
///
/// let actions: Actions = "convert, read".parse()?;
/// assert!(actions.contains(Action::Read) && !actions.contains(Action::Write));
/// assert_eq!(actions.to_string(), "convert,read");
/// # Ok::<(), tundra_access::UnknownAction>(())
/// ```
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Actions(u8);

/// A text that names no action.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is no action: convert, read, write, test-connection or operate")]
pub struct UnknownAction {
    text: String,
}

/// Why somebody who is known may not do something.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{subject}` may not {}", action.phrase())]
pub struct Denied {
    /// Who.
    pub subject: String,
    /// What.
    pub action: Action,
    /// How they proved who they are.
    pub via: Via,
}

impl Principal {
    /// The one user of this machine, who may do everything: for a service that listens on loopback only
    /// and was set up without authentication.
    pub fn local() -> Self {
        Self { subject: "local".to_owned(), tenant: None, actions: Actions::ALL, via: Via::Local }
    }

    /// Returns whose sources it sees.
    pub fn scope(&self) -> Scope {
        self.tenant.clone().map_or(Scope::All, Scope::Tenant)
    }

    /// Returns it for this organisation alone, or as it is where none is named.
    ///
    /// # Errors
    /// [`AccessError::NotMember`] when it acts for another one.
    pub fn acting_for(self, organisation: Option<&TenantId>) -> Result<Self, AccessError> {
        match (&self.tenant, organisation) {
            (_, None) => Ok(self),
            (None, Some(wanted)) => Ok(Self { tenant: Some(wanted.clone()), ..self }),
            (Some(own), Some(wanted)) if own == wanted => Ok(self),
            (Some(_), Some(_)) => Err(AccessError::NotMember),
        }
    }

    /// Asks whether it may do this within its scope.
    ///
    /// # Errors
    /// When it may not. [`Action::Operate`] is also refused to whoever acts for one organisation, even
    /// where it was given.
    pub fn may(&self, action: Action) -> Result<(), Denied> {
        let reaches = action != Action::Operate || self.tenant.is_none();
        if reaches && self.actions.contains(action) {
            return Ok(());
        }
        Err(Denied { subject: self.subject.clone(), action, via: self.via })
    }
}

impl Via {
    /// Returns the name that records and logs have; stable.
    pub const fn name(self) -> &'static str {
        match self {
            Self::ApiKey => "api_key",
            Self::Jwt => "jwt",
            Self::Local => "local",
        }
    }
}

impl Action {
    /// Every action, in the order in which sets are shown.
    pub const ALL: [Self; 5] =
        [Self::Convert, Self::Read, Self::Write, Self::TestConnection, Self::Operate];

    /// Returns the name that people write and stores keep; stable.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Convert => "convert",
            Self::Read => "read",
            Self::Write => "write",
            Self::TestConnection => "test-connection",
            Self::Operate => "operate",
        }
    }

    const fn phrase(self) -> &'static str {
        match self {
            Self::Convert => "convert",
            Self::Read => "read what is catalogued",
            Self::Write => "change what is catalogued",
            Self::TestConnection => "test connections",
            Self::Operate => "operate the service",
        }
    }

    const fn bit(self) -> u8 {
        1 << self as u8
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Action {
    type Err = UnknownAction;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let found = Self::ALL.into_iter().find(|action| action.name() == text);
        found.ok_or_else(|| UnknownAction { text: text.to_owned() })
    }
}

impl Actions {
    /// Nothing.
    pub const NONE: Self = Self(0);
    /// What a member of an organisation does: everything but to operate the service.
    pub const MEMBER: Self = Self(
        Action::Convert.bit()
            | Action::Read.bit()
            | Action::Write.bit()
            | Action::TestConnection.bit(),
    );
    /// Everything.
    pub const ALL: Self = Self(Self::MEMBER.0 | Action::Operate.bit());

    /// Returns whether it is one of them.
    pub const fn contains(self, action: Action) -> bool {
        self.0 & action.bit() != 0
    }

    /// Returns whether there is none.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Returns them one by one.
    pub fn iter(self) -> impl Iterator<Item = Action> {
        Action::ALL.into_iter().filter(move |action| self.contains(*action))
    }
}

impl FromIterator<Action> for Actions {
    fn from_iter<I: IntoIterator<Item = Action>>(actions: I) -> Self {
        Self(actions.into_iter().fold(0, |bits, action| bits | action.bit()))
    }
}

impl fmt::Display for Actions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, action) in self.iter().enumerate() {
            if number > 0 {
                f.write_str(",")?;
            }
            f.write_str(action.name())?;
        }
        Ok(())
    }
}

impl fmt::Debug for Actions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

impl FromStr for Actions {
    type Err = UnknownAction;

    /// Reads names with commas between them; the empty text is the empty set.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.trim().is_empty() {
            return Ok(Self::NONE);
        }
        text.split(',').map(|name| name.trim().parse::<Action>()).collect()
    }
}

impl Classify for Denied {
    fn kind(&self) -> ErrorKind {
        ErrorKind::PermissionDenied
    }

    fn retry(&self) -> Retry {
        Retry::Never
    }

    fn hints(&self) -> Vec<String> {
        let way = match (self.action, self.via) {
            (Action::Operate, _) => {
                "it takes a key that is for all organisations and has the action `operate`"
                    .to_owned()
            }
            (action, Via::ApiKey) => format!("use a key that has the action `{action}`"),
            (action, _) => format!("whoever runs the service can allow the action `{action}`"),
        };
        vec![way]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member(actions: Actions) -> Principal {
        let tenant = Some("acme".parse().unwrap());
        Principal { subject: "x".to_owned(), tenant, actions, via: Via::ApiKey }
    }

    #[test]
    fn a_member_sees_its_organisation_and_does_what_it_may() {
        let principal = member([Action::Read].into_iter().collect());
        assert_eq!(principal.scope(), Scope::Tenant("acme".parse().unwrap()));
        principal.may(Action::Read).unwrap();
        let denied = principal.may(Action::Write).unwrap_err();
        assert_eq!(denied.to_string(), "`x` may not change what is catalogued");
        assert_eq!(denied.kind(), ErrorKind::PermissionDenied);
        assert_eq!(denied.hints(), ["use a key that has the action `write`"]);
    }

    #[test]
    fn nobody_operates_the_service_for_one_organisation() {
        assert!(member(Actions::ALL).may(Action::Operate).is_err());
        let operator = Principal { tenant: None, ..member(Actions::ALL) };
        operator.may(Action::Operate).unwrap();
        assert!(
            Principal { tenant: None, ..member(Actions::MEMBER) }.may(Action::Operate).is_err()
        );
    }

    #[test]
    fn a_request_is_for_an_organisation_that_its_caller_acts_for() {
        let (acme, other): (TenantId, TenantId) =
            ("acme".parse().unwrap(), "other".parse().unwrap());
        let own = member(Actions::MEMBER);
        assert_eq!(own.clone().acting_for(None).unwrap(), own);
        assert_eq!(own.clone().acting_for(Some(&acme)).unwrap(), own);
        assert!(matches!(own.acting_for(Some(&other)), Err(AccessError::NotMember)));
        // Who acts for all may say for whom, and does not act for the others then.
        let narrowed = Principal::local().acting_for(Some(&acme)).unwrap();
        assert_eq!(narrowed.scope(), Scope::Tenant(acme));
        assert!(narrowed.may(Action::Operate).is_err());
    }

    #[test]
    fn who_is_at_the_machine_may_do_everything() {
        let local = Principal::local();
        assert_eq!(local.scope(), Scope::All);
        assert!(Action::ALL.into_iter().all(|action| local.may(action).is_ok()));
    }

    #[test]
    fn every_set_prints_as_it_parses() {
        for bits in 0..=Actions::ALL.0 {
            let set = Actions(bits);
            assert_eq!(set.to_string().parse(), Ok(set));
            assert_eq!(set.iter().collect::<Actions>(), set);
        }
        assert_eq!(" read , convert".parse::<Actions>().unwrap().to_string(), "convert,read");
        for text in ["all", "read,", "Read", "read;write", ","] {
            assert!(text.parse::<Actions>().is_err(), "{text}");
        }
    }
}
