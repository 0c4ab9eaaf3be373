//! What a token says that is signed rightly: for how long, for whom, and of whom.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use tundra_access::{
    AccessError, Action, Credentials, ServiceRole, Standing, TenantLookup, TenantSource,
    TokenFault, Via,
};
use tundra_core::{BoxError, Classify, Scope, Secret, TenantId};

use super::{Door, Signer};
use crate::now;

fn seconds() -> u64 {
    now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs()
}

#[tokio::test]
async fn a_user_acts_for_the_organisation_that_the_token_names() {
    let signer = Signer::p256("k");
    let door = Door::of(&[&signer]);
    let principal = door.enter(&signer.sign(&door.claims(json!({})))).await;
    assert_eq!(principal.subject, "11111111-1111-4111-8111-111111111111");
    assert_eq!(principal.via, Via::Jwt);
    // What users write themselves, `globex`, counts for nothing.
    assert_eq!(principal.scope(), Scope::Tenant("acme".parse().unwrap()));
    principal.may(Action::Write).unwrap();
    assert!(principal.may(Action::Operate).is_err());

    let other = door.claims(json!({"app_metadata": {"org_id": "globex"}}));
    let other = door.enter(&signer.sign(&other)).await;
    assert!(!other.scope().includes(&"acme".parse().unwrap()));
}

#[tokio::test]
async fn a_token_of_no_organisation_is_not_let_in() {
    let signer = Signer::p256("k");
    let door = Door::of(&[&signer]);
    for metadata in [
        json!({}),
        json!({"org_id": null}),
        json!({"org_id": ""}),
        json!({"org_id": "../acme"}),
        json!({"org_id": "ACME"}),
        json!({"org_id": ["acme"]}),
        json!("acme"),
    ] {
        let token = signer.sign(&door.claims(json!({ "app_metadata": metadata })));
        let error = door.refusal(&token).await;
        assert!(matches!(error, AccessError::NoTenant { .. }), "{error:?}");
        assert_eq!(error.standing(), Standing::Forbidden);
        assert!(error.to_string().contains("app_metadata.org_id"), "{error}");
    }
}

#[tokio::test]
async fn the_claim_of_the_organisation_can_be_another() {
    let signer = Signer::p256("k");
    let door = Door::with(&[&signer], |settings| {
        settings.tenant = TenantSource::Claim("/https:~1~1acme.example~1org".parse().unwrap());
        settings.actions = [Action::Read].into_iter().collect();
    });
    let claims = door.claims(json!({"https://acme.example/org": 42, "app_metadata": null}));
    let principal = door.enter(&signer.sign(&claims)).await;
    assert_eq!(principal.tenant, Some("42".parse().unwrap()));
    principal.may(Action::Read).unwrap();
    assert!(principal.may(Action::Convert).is_err());
}

#[tokio::test]
async fn a_token_is_taken_within_its_time_and_a_minute_around_it() {
    let signer = Signer::p256("k");
    let door = Door::of(&[&signer]);
    let check = async |changes: Value| {
        let token = signer.sign(&door.claims(changes));
        door.show(&token, now()).await.map(drop)
    };
    check(json!({"exp": seconds() + 1, "nbf": seconds()})).await.unwrap();
    check(json!({"exp": seconds() - 59, "nbf": seconds() + 60})).await.unwrap();
    check(json!({"exp": 1e12})).await.unwrap();
    for (changes, fault) in [
        (json!({"exp": seconds() - 60}), TokenFault::Expired),
        (json!({"exp": 0}), TokenFault::Expired),
        (json!({"exp": -1e300}), TokenFault::Expired),
        (json!({"nbf": seconds() + 61}), TokenFault::NotYetValid),
        (json!({"exp": null}), TokenFault::Claim("exp")),
        (json!({"exp": (seconds() + 60).to_string()}), TokenFault::Claim("exp")),
        (json!({"nbf": "0"}), TokenFault::Claim("nbf")),
    ] {
        let error = check(changes.clone()).await.unwrap_err();
        assert!(
            matches!(&error, AccessError::Token(found) if *found == fault),
            "{changes} {error}"
        );
        assert_eq!(error.standing(), Standing::Unauthenticated);
    }
}

#[tokio::test]
async fn a_token_of_another_issuer_or_for_others_is_refused() {
    let signer = Signer::p256("k");
    let door = Door::of(&[&signer]);
    for (changes, fault) in [
        (json!({"iss": "https://evil.example/auth/v1"}), TokenFault::Issuer),
        (json!({"iss": format!("{}/", door.issuer.name())}), TokenFault::Issuer),
        (json!({"iss": "supabase"}), TokenFault::Issuer),
        (json!({"iss": null}), TokenFault::Claim("iss")),
        (json!({"iss": [door.issuer.name()]}), TokenFault::Claim("iss")),
        (json!({"aud": "anon"}), TokenFault::Audience),
        (json!({"aud": []}), TokenFault::Audience),
        (json!({"aud": ["other", "authenticated2"]}), TokenFault::Audience),
        (json!({"aud": null}), TokenFault::Claim("aud")),
        (json!({"aud": {"authenticated": true}}), TokenFault::Claim("aud")),
        (json!({"sub": null}), TokenFault::Claim("sub")),
        (json!({"sub": ""}), TokenFault::Claim("sub")),
        (json!({"sub": "a\nb"}), TokenFault::Claim("sub")),
    ] {
        let token = signer.sign(&door.claims(changes.clone()));
        assert_eq!(door.fault(&token).await, fault, "{changes}");
    }
    door.enter(&signer.sign(&door.claims(json!({"aud": ["x", "authenticated"]})))).await;
}

#[tokio::test]
async fn the_service_role_is_an_operator_only_where_that_is_wanted() {
    let signer = Signer::p256("k");
    let refusing = Door::of(&[&signer]);
    // As Supabase makes it: of another issuer, for nobody in particular, and with no user.
    let service = json!({"iss": "supabase", "role": "service_role", "aud": null, "sub": null,
        "app_metadata": null});
    let error = refusing.refusal(&signer.sign(&refusing.claims(service.clone()))).await;
    assert!(matches!(error, AccessError::Role { .. }), "{error:?}");
    assert_eq!(error.standing(), Standing::Forbidden);

    let door = Door::with(&[&signer], |settings| settings.service_role = ServiceRole::Operator);
    let principal = door.enter(&signer.sign(&door.claims(service.clone()))).await;
    assert_eq!((principal.scope(), principal.subject.as_str()), (Scope::All, "service_role"));
    principal.may(Action::Operate).unwrap();

    let mut expired = service.clone();
    expired["exp"] = json!(seconds() - 61);
    let token = signer.sign(&door.claims(expired));
    assert_eq!(door.fault(&token).await, TokenFault::Expired);
    let mut foreign = service.clone();
    foreign["iss"] = json!("https://evil.example");
    let token = signer.sign(&door.claims(foreign));
    assert_eq!(door.fault(&token).await, TokenFault::Issuer);
    let forged = Signer::p256("k").sign(&door.claims(service));
    assert_eq!(door.fault(&forged).await, TokenFault::Signature);
    // The role of a user cannot be written where users write.
    let user = door.claims(json!({"user_metadata": {"role": "service_role"}}));
    assert!(door.enter(&signer.sign(&user)).await.tenant.is_some());
}

#[tokio::test]
async fn the_key_for_everybody_lets_nobody_in() {
    let signer = Signer::p256("k");
    let door = Door::with(&[&signer], |settings| settings.service_role = ServiceRole::Operator);
    let anon = json!({"iss": "supabase", "role": "anon", "aud": null, "sub": null});
    let error = door.refusal(&signer.sign(&door.claims(anon))).await;
    assert!(matches!(error, AccessError::Anonymous), "{error:?}");
    assert_eq!(error.standing(), Standing::Unauthenticated);
    assert!(error.hints()[0].contains("sign in"));
}

/// Knows of some users, as a database does that is asked with a user's token.
#[derive(Debug)]
struct Members {
    is_away: bool,
}

#[async_trait::async_trait]
impl TenantLookup for Members {
    async fn tenants_of(&self, token: &Secret, _: SystemTime) -> Result<Vec<TenantId>, BoxError> {
        if self.is_away {
            return Err("the database does not answer".into());
        }
        let claims = token.expose().split('.').nth(1).expect("the token is handed on whole");
        let claims: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims)?)?;
        let tenants: &[&str] = match claims["sub"].as_str() {
            Some("member") => &["acme"],
            Some("consultant") => &["acme", "globex"],
            _ => &[],
        };
        Ok(tenants.iter().map(|tenant| tenant.parse().unwrap()).collect())
    }
}

#[tokio::test]
async fn the_organisation_can_be_what_the_database_lets_the_user_see() {
    let signer = Signer::p256("k");
    let door = |is_away| {
        Door::with(&[&signer], |settings| {
            settings.tenant = TenantSource::RowLevelSecurity(Arc::new(Members { is_away }));
        })
    };
    let there = door(false);
    // What the claim says counts for nothing then.
    let member = there.claims(json!({"sub": "member", "app_metadata": {"org_id": "globex"}}));
    let principal = there.enter(&signer.sign(&member)).await;
    assert_eq!(principal.tenant, Some("acme".parse().unwrap()));
    let stranger = signer.sign(&there.claims(json!({"sub": "stranger"})));
    assert_eq!(there.refusal(&stranger).await.standing(), Standing::Forbidden);

    let away = door(true);
    let member = signer.sign(&away.claims(json!({"sub": "member"})));
    let error = away.show(&member, now() + Duration::from_secs(1)).await.unwrap_err();
    assert_eq!(error.standing(), Standing::Unavailable);
}

#[tokio::test]
async fn who_is_of_several_organisations_says_for_which_a_request_is() {
    let signer = Signer::p256("k");
    let door = Door::with(&[&signer], |settings| {
        settings.tenant = TenantSource::RowLevelSecurity(Arc::new(Members { is_away: false }));
    });
    let token = |subject: &str| signer.sign(&door.claims(json!({ "sub": subject })));
    let ask = async |subject: &str, organisation: &str| {
        let shown =
            Credentials { bearer: Some(Secret::new(token(subject))), ..Credentials::none() };
        let shown = shown.for_organisation(organisation)?;
        door.door.authenticate_at(&shown, now()).await
    };
    for (subject, organisation, tenant) in [
        ("consultant", "acme", "acme"),
        ("consultant", " globex ", "globex"),
        ("member", "acme", "acme"),
        ("member", "", "acme"),
    ] {
        let principal = ask(subject, organisation).await.unwrap();
        assert_eq!(principal.tenant, Some(tenant.parse().unwrap()), "{subject}: {organisation}");
    }
    let unsaid = ask("consultant", "").await.unwrap_err();
    assert!(matches!(unsaid, AccessError::SeveralTenants), "{unsaid:?}");
    assert!(unsaid.hints()[0].contains("X-Organisation"));
    for (subject, organisation) in [
        ("consultant", "initech"),
        ("member", "globex"),
        ("stranger", "acme"),
        ("member", "A/../B"),
    ] {
        let refused = ask(subject, organisation).await.unwrap_err();
        assert!(matches!(refused, AccessError::NotMember), "{refused:?}");
        assert_eq!(refused.standing(), Standing::Forbidden);
    }
    // A claim names one organisation, and no header another one.
    let by_claim = Door::of(&[&signer]);
    let token = signer.sign(&by_claim.claims(json!({})));
    let shown = Credentials { bearer: Some(Secret::new(token)), ..Credentials::none() };
    let own = shown.clone().for_organisation("acme").unwrap();
    by_claim.door.authenticate_at(&own, now()).await.unwrap();
    let other = shown.for_organisation("globex").unwrap();
    let refused = by_claim.door.authenticate_at(&other, now()).await.unwrap_err();
    assert!(matches!(refused, AccessError::NotMember), "{refused:?}");
}
