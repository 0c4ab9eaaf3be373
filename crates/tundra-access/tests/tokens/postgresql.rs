//! The organisations of users, as a real database tells them.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use serde_json::json;
use tundra_access::{
    AccessError, Authenticator, Credentials, MembershipSettings, Memberships, Principal, Standing,
    TenantSource, TokenSettings, TokenVerifier,
};
use tundra_core::{Scope, Secret};
use tundra_test_services::{
    FaultProxy, MEMBER, PostgRest, STRANGER, TOKEN_SECRET,
    proxy::{Fault, Rule},
};

use super::Signer;

const TABLES: &str = include_str!("../../../tundra-catalog/migrations/supabase/001_catalog.sql");
const FUNCTION: &str =
    include_str!("../../../tundra-catalog/migrations/supabase/003_organisations.sql");

/// A user of two organisations.
const CONSULTANT: &str = "33333333-3333-4333-8333-333333333333";

const ISSUER: &str = "https://issuer.example";

/// A door before a database that knows who is a member of what.
struct Door {
    door: Authenticator,
    proxy: FaultProxy,
    server: PostgRest,
}

impl Door {
    fn new(sql: &[&str]) -> Self {
        let server = PostgRest::start(sql).unwrap();
        let proxy = FaultProxy::start(&server.endpoint()).unwrap();
        let mut asked = MembershipSettings::bare(proxy.endpoint());
        asked.key = Some(Secret::new("sb_publishable_key"));
        // The servers here are near, and a machine that is busy is slow.
        asked.timeout = Duration::from_secs(30);
        let memberships = Arc::new(Memberships::new(&asked).unwrap());
        let settings = TokenSettings {
            shared_secret: Some(Secret::new(TOKEN_SECRET)),
            tenant: TenantSource::RowLevelSecurity(memberships),
            ..TokenSettings::bare(ISSUER, "authenticated")
        };
        let tokens = TokenVerifier::new(settings).unwrap();
        Self { door: Authenticator::new().with_tokens(tokens), proxy, server }
    }

    fn filled() -> Self {
        let members = format!(
            "INSERT INTO organization_members VALUES ('acme', '{}'), ('acme', '{CONSULTANT}'),
             ('globex', '{CONSULTANT}'), ('Not One', '{}')",
            MEMBER.id, STRANGER.id
        );
        Self::new(&[TABLES, FUNCTION, &members])
    }

    async fn ask(
        &self,
        token: &str,
        organisation: &str,
        at: SystemTime,
    ) -> Result<Principal, AccessError> {
        let shown = Credentials { bearer: Some(Secret::new(token)), ..Credentials::none() };
        self.door.authenticate_at(&shown.for_organisation(organisation)?, at).await
    }
}

/// Signs a token that is valid for an hour by the clock of the database, too.
fn token(subject: &str, session: &str) -> String {
    let seconds = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
    let claims = json!({
        "iss": ISSUER, "aud": "authenticated", "role": "authenticated", "sub": subject,
        "exp": seconds + 3600, "session_id": session,
        // What it says counts for nothing.
        "app_metadata": {"org_id": "initech"},
    });
    Signer::shared(TOKEN_SECRET.as_bytes()).sign(&claims)
}

#[tokio::test]
async fn a_user_acts_for_an_organisation_of_which_the_database_says_that_they_are_a_member() {
    let (door, now) = (Door::filled(), SystemTime::now());
    let member = token(MEMBER.id, "1");
    let principal = door.ask(&member, "", now).await.unwrap();
    assert_eq!(principal.scope(), Scope::Tenant("acme".parse().unwrap()));
    assert_eq!(principal.subject, MEMBER.id);
    for organisation in ["globex", "initech"] {
        let refused = door.ask(&member, organisation, now).await.unwrap_err();
        assert!(matches!(refused, AccessError::NotMember), "{refused:?}");
    }

    let consultant = token(CONSULTANT, "1");
    let unsaid = door.ask(&consultant, "", now).await.unwrap_err();
    assert!(matches!(unsaid, AccessError::SeveralTenants), "{unsaid:?}");
    for organisation in ["acme", "globex"] {
        let principal = door.ask(&consultant, organisation, now).await.unwrap();
        assert_eq!(principal.scope(), Scope::Tenant(organisation.parse().unwrap()));
    }

    // One is of an organisation whose name can be none, and one is of none.
    for subject in [STRANGER.id, "44444444-4444-4444-8444-444444444444"] {
        let refused = door.ask(&token(subject, "1"), "", now).await.unwrap_err();
        assert!(matches!(refused, AccessError::NoTenant { .. }), "{refused:?}");
    }
}

#[tokio::test]
async fn an_answer_holds_for_a_minute_and_for_one_session() {
    let (door, now) = (Door::filled(), SystemTime::now());
    let member = token(MEMBER.id, "1");
    for seconds in [0, 30, 59] {
        door.ask(&member, "", now + Duration::from_secs(seconds)).await.unwrap();
    }
    assert_eq!(door.proxy.seen().len(), 1);
    door.server.database().run("TRUNCATE organization_members").unwrap();
    door.ask(&member, "", now + Duration::from_secs(59)).await.unwrap();
    // Who signs in again is asked for anew.
    let refused = door.ask(&token(MEMBER.id, "2"), "", now).await.unwrap_err();
    assert!(matches!(refused, AccessError::NoTenant { .. }), "{refused:?}");
    let refused = door.ask(&member, "", now + Duration::from_secs(60)).await.unwrap_err();
    assert!(matches!(refused, AccessError::NoTenant { .. }), "{refused:?}");
    assert_eq!(door.proxy.seen().len(), 3);
}

#[tokio::test]
async fn a_database_that_cannot_say_it_lets_nobody_in_and_is_asked_again() {
    let now = SystemTime::now();
    let check = |error: &AccessError, reason: &str| {
        assert_eq!(error.standing(), Standing::Unavailable, "{error:?}");
        let cause = std::error::Error::source(error).unwrap().to_string();
        assert!(cause.contains(reason), "{cause}");
        assert!(!format!("{error:?}").contains("sb_publishable"), "{error:?}");
    };
    let without = Door::new(&[TABLES]);
    let error = without.ask(&token(MEMBER.id, "1"), "", now).await.unwrap_err();
    check(&error, "003_organisations.sql");

    let door = Door::filled();
    let member = token(MEMBER.id, "1");
    door.proxy.add(Rule::new(Fault::Reset));
    check(&door.ask(&member, "", now).await.unwrap_err(), "did not answer");
    door.proxy.clear();
    door.ask(&member, "", now).await.unwrap();

    // A database that knows another issuer takes nobody's token.
    let stranger = PostgRest::start_with(
        &[TABLES, FUNCTION],
        &[("PGRST_JWT_SECRET", "another-secret-of-thirty-two-bytes")],
    )
    .unwrap();
    let memberships = Memberships::new(&MembershipSettings::bare(stranger.endpoint())).unwrap();
    let token = Secret::new(token(MEMBER.id, "1"));
    let error =
        tundra_access::TenantLookup::tenants_of(&memberships, &token, now).await.unwrap_err();
    assert!(error.to_string().contains("takes neither the token"), "{error}");
}
