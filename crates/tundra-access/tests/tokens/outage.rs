//! Keys that come and go, and an issuer that is slow, broken or away.

use std::time::Duration;

use futures::future::join_all;
use serde_json::json;
use tundra_access::{AccessError, Standing, TokenFault};
use tundra_core::{Classify, Retry};
use tundra_test_services::proxy::{Fault, Reply};

use super::{Door, Signer};
use crate::now;

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);

impl Door {
    /// Returns a token that is valid for days, so that only the keys grow old.
    fn lasting(&self, signer: &Signer) -> String {
        signer.sign(&self.claims(json!({"exp": 9_999_999_999_u64})))
    }

    /// Returns why the issuer could not be asked.
    async fn outage(&self, token: &str, later: Duration) -> String {
        let error = self.show(token, now() + later).await.unwrap_err();
        assert_eq!(error.standing(), Standing::Unavailable, "{error:?}");
        assert_eq!(error.retry(), Retry::Later);
        let AccessError::Issuer { source, .. } = &error else { panic!("{error:?}") };
        source.as_ref().map(|cause| cause.to_string()).unwrap_or_default()
    }
}

#[tokio::test]
async fn a_new_key_is_asked_for_when_a_token_names_it() {
    let (old, new) = (Signer::p256("old"), Signer::p256("new"));
    let door = Door::of(&[&old]);
    let tokens = [door.lasting(&old), door.lasting(&new)];
    door.show(&tokens[0], now()).await.unwrap();
    door.issuer.publish(&[&old, &new]);
    // It was asked a moment ago.
    let error = door.show(&tokens[1], now() + 9 * SECOND).await.unwrap_err();
    assert!(matches!(error, AccessError::Token(TokenFault::UnknownSigner)), "{error:?}");
    assert_eq!(door.issuer.asked(), 1);
    for token in &tokens {
        door.show(token, now() + 10 * SECOND).await.unwrap();
    }
    assert_eq!(door.issuer.asked(), 2);
}

#[tokio::test]
async fn a_key_that_was_withdrawn_is_refused_when_its_time_is_over() {
    let (old, new) = (Signer::p256("old"), Signer::p256("new"));
    let door = Door::of(&[&old]);
    let token = door.lasting(&old);
    door.show(&token, now()).await.unwrap();
    door.issuer.publish(&[&new]);
    door.show(&token, now() + 10 * MINUTE - SECOND).await.unwrap();
    assert_eq!(door.issuer.asked(), 1);
    let error = door.show(&token, now() + 20 * MINUTE).await.unwrap_err();
    assert!(matches!(error, AccessError::Token(TokenFault::UnknownSigner)), "{error:?}");
}

#[tokio::test]
async fn keys_that_are_somewhat_old_are_renewed_while_they_are_used() {
    let signer = Signer::p256("k");
    let door = Door::of(&[&signer]);
    let token = door.lasting(&signer);
    door.show(&token, now()).await.unwrap();
    // The answer does not come before the test ends, and is not waited for.
    door.issuer.fault(Fault::Delay(HOUR));
    door.show(&token, now() + 10 * MINUTE).await.unwrap();
    door.issuer.faults().wait_until(|seen| seen.len() == 2).await.unwrap();
}

#[tokio::test]
async fn names_of_keys_that_are_made_up_do_not_flood_the_issuer() {
    let (own, forged) = (Signer::p256("k"), Signer::p256("x"));
    let door = Door::of(&[&own]);
    let tokens: Vec<String> = (0..200)
        .map(|number| {
            let header = json!({"alg": "ES256", "kid": format!("made-up-{number}")});
            forged.sign_as(&header, &door.claims(json!({})))
        })
        .collect();
    for (number, token) in (0..).zip(&tokens) {
        let error = door.show(token, now() + number * SECOND / 10).await.unwrap_err();
        assert!(matches!(error, AccessError::Token(TokenFault::UnknownSigner)), "{error:?}");
    }
    assert_eq!(door.issuer.asked(), 2, "20 seconds have room for two");
    door.enter(&own.sign(&door.claims(json!({})))).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn however_many_need_the_keys_they_are_asked_for_once() {
    let signer = Signer::p256("k");
    let door = Door::of(&[&signer]);
    door.issuer.fault(Fault::Delay(Duration::from_millis(200)));
    let token = door.lasting(&signer);
    for entered in join_all((0..100).map(|_| door.show(&token, now()))).await {
        entered.unwrap();
    }
    assert_eq!(door.issuer.asked(), 1);
}

#[tokio::test]
async fn a_request_that_is_given_up_does_not_spoil_it_for_others() {
    let signer = Signer::p256("k");
    let door = Door::of(&[&signer]);
    door.issuer.fault(Fault::Delay(Duration::from_millis(300)));
    let token = door.lasting(&signer);
    let given_up = tokio::time::timeout(Duration::from_millis(50), door.show(&token, now())).await;
    assert!(given_up.is_err());
    // It is still on its way, and is not begun anew.
    door.show(&token, now() + SECOND).await.unwrap();
    assert_eq!(door.issuer.asked(), 1);
}

#[tokio::test]
async fn keys_are_used_for_a_day_while_the_issuer_is_away() {
    let signer = Signer::p256("k");
    let door = Door::of(&[&signer]);
    let token = door.lasting(&signer);
    door.show(&token, now()).await.unwrap();
    door.issuer.answer(Reply::text(503, "text/html", "<h1>no</h1>"));
    for later in [10 * MINUTE, HOUR, 12 * HOUR, 24 * HOUR - SECOND] {
        door.show(&token, now() + later).await.unwrap();
    }
    assert!(door.outage(&token, 24 * HOUR).await.contains("503"));
    // It says so at once, and asks again when it is time.
    let later = 25 * HOUR;
    door.outage(&token, later).await;
    let asked = door.issuer.asked();
    door.outage(&token, later + 9 * SECOND).await;
    assert_eq!(door.issuer.asked(), asked);
    door.issuer.publish(&[&signer]);
    door.show(&token, now() + later + 10 * SECOND).await.unwrap();
}

#[tokio::test]
async fn a_key_that_may_be_new_is_no_forgery_while_the_issuer_is_away() {
    let (own, new) = (Signer::p256("k"), Signer::p256("new"));
    let door = Door::of(&[&own]);
    door.show(&door.lasting(&own), now()).await.unwrap();
    door.issuer.fault(Fault::Reset);
    assert_eq!(door.outage(&door.lasting(&new), MINUTE).await, "nobody answered");
    door.show(&door.lasting(&own), now() + MINUTE).await.unwrap();
}

#[tokio::test]
async fn without_keys_nobody_is_let_in_whatever_the_issuer_does() {
    let signer = Signer::p256("k");
    let large = format!(r#"{{"keys":[],"x":"{}"}}"#, "x".repeat(256 << 10));
    let elsewhere = Reply::text(302, "text/plain", "").with("Location", "/other.json");
    for (reply, told) in [
        (Reply::text(500, "text/plain", "no"), "500"),
        (Reply::text(404, "text/plain", "no"), "404"),
        (Reply::text(200, "text/html", "<html>"), "no set of keys"),
        (Reply::text(200, "application/json", ""), "no set of keys"),
        (Reply::text(200, "application/json", &large), "256 KiB"),
        (elsewhere, "302"),
    ] {
        let door = Door::of(&[&signer]);
        door.issuer.answer(reply);
        let said = door.outage(&door.lasting(&signer), Duration::ZERO).await;
        assert!(said.contains(told), "{said}");
        let paths: Vec<_> = door.issuer.faults().seen().into_iter().map(|seen| seen.path).collect();
        assert_eq!(paths, ["/auth/v1/.well-known/jwks.json"], "nobody is led elsewhere");
    }
}

#[tokio::test]
async fn an_issuer_that_hangs_is_not_waited_for() {
    let signer = Signer::p256("k");
    for fault in [Fault::Delay(HOUR), Fault::Stall(10), Fault::Truncate(10), Fault::ResetAnswer(5)]
    {
        let door = Door::with(&[&signer], |settings| {
            settings.keys.as_mut().unwrap().timeout = Duration::from_millis(300);
        });
        door.issuer.fault(fault.clone());
        let said = door.outage(&door.lasting(&signer), Duration::ZERO).await;
        assert_eq!(said, "nobody answered", "{fault:?}");
        door.issuer.mend();
        door.show(&door.lasting(&signer), now() + MINUTE).await.unwrap();
    }
}
