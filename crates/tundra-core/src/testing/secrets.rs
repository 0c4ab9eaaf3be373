//! What every [`SecretStore`] does, as functions that panic where one does not.
//!
//! Start at [`run_all`]. The suite writes nothing: somebody puts one secret into the store before,
//! and says which. What needs a broken store is for each store's own tests.

use std::error::Error as StdError;

use futures::future::join_all;

use crate::{
    error::{Classify, ErrorKind},
    secret::{Secret, SecretError, SecretStore},
};

/// What the store holds while the suite runs.
#[derive(Debug, Clone, Copy)]
pub struct Held<'a> {
    /// The name of a secret that the store has. Its letters should be of both cases, with a digit,
    /// a `-` and a `_`, because those are the names that there may be.
    pub name: &'a str,
    /// The value of that secret, which must be long enough to occur nowhere by chance.
    pub value: &'a str,
    /// A possible name that the store does not have.
    pub missing: &'a str,
}

/// Runs every behaviour of this module in turn.
///
/// # Panics
/// Panics when the store lacks one, and names it.
pub async fn run_all(store: &dyn SecretStore, held: Held<'_>) {
    returns_what_is_kept(store, held).await;
    says_that_a_missing_secret_is_not_found(store, held).await;
    refuses_awkward_names(store, held).await;
    has_the_secret_after_it_was_forgotten(store, held).await;
    serves_many_at_once(store, held).await;
    shows_no_secret(store, held).await;
}

/// A secret is the text that was put there, every time.
pub async fn returns_what_is_kept(store: &dyn SecretStore, held: Held<'_>) {
    for step in ["the first time", "the second time"] {
        is_held("returns_what_is_kept", step, held, store.get(held.name).await);
    }
}

/// What is not there is [`ErrorKind::NotFound`], and the error says what that is.
pub async fn says_that_a_missing_secret_is_not_found(store: &dyn SecretStore, held: Held<'_>) {
    let behaviour = "says_that_a_missing_secret_is_not_found";
    let error = refused(behaviour, held.missing, store.get(held.missing).await);
    if error.kind() != ErrorKind::NotFound {
        fail(behaviour, &format!("the kind is `{}`: {}", error.kind(), chain(&error)));
    }
    if !error.to_string().contains(held.missing) {
        fail(behaviour, &format!("the error does not name `{}`: {error}", held.missing));
    }
}

/// A name is 1 to 255 ASCII letters, digits, `-` and `_`; with anything else a store could be led to
/// another place.
pub async fn refuses_awkward_names(store: &dyn SecretStore, held: Held<'_>) {
    let behaviour = "refuses_awkward_names";
    let below = format!("{0}/{0}", held.name);
    let beside = format!("../{}", held.name);
    let escaped = format!("..%2f{}", held.name);
    let spaced = format!("{} ", held.name);
    let line = format!("{}\n", held.name);
    let cut = format!("{}\0", held.name);
    let long = "a".repeat(256);
    let awkward = ["", ".", "..", "/", "a.b", "a:b", "ä", "*", "a\\b"];
    let built = [&below, &beside, &escaped, &spaced, &line, &cut, &long].map(String::as_str);
    for name in awkward.into_iter().chain(built) {
        let error = refused(behaviour, name, store.get(name).await);
        if error.kind() != ErrorKind::InvalidRequest {
            fail(behaviour, &format!("the kind for {name:?} is `{}`", error.kind()));
        }
        store.forget(name).await;
    }
    let longest = "a".repeat(255);
    let error = refused(behaviour, &longest, store.get(&longest).await);
    if error.kind() != ErrorKind::NotFound {
        fail(behaviour, &format!("a name of 255 letters is `{}`: {error}", error.kind()));
    }
}

/// Forgetting drops a copy, never the secret; and what is not there may be forgotten too.
pub async fn has_the_secret_after_it_was_forgotten(store: &dyn SecretStore, held: Held<'_>) {
    let behaviour = "has_the_secret_after_it_was_forgotten";
    store.forget(held.missing).await;
    for step in ["forgotten once", "forgotten again"] {
        store.forget(held.name).await;
        is_held(behaviour, step, held, store.get(held.name).await);
    }
}

/// Callers side by side get the right answers, while others forget.
pub async fn serves_many_at_once(store: &dyn SecretStore, held: Held<'_>) {
    let behaviour = "serves_many_at_once";
    join_all((0..64).map(|number| async move {
        if number % 8 == 0 {
            store.forget(held.name).await;
        }
        if number % 4 == 0 {
            refused(behaviour, held.missing, store.get(held.missing).await);
        }
        is_held(behaviour, "side by side", held, store.get(held.name).await);
    }))
    .await;
}

/// Neither the store nor its errors nor the secret print what must not be seen.
pub async fn shows_no_secret(store: &dyn SecretStore, held: Held<'_>) {
    let behaviour = "shows_no_secret";
    let secret = store.get(held.name).await;
    let missing = store.get(held.missing).await;
    for (what, text) in [
        ("the store", format!("{store:?} {store:#?}")),
        ("the secret", format!("{secret:?}")),
        ("the error", format!("{missing:?} {missing:#?}")),
    ] {
        if text.contains(held.value) {
            fail(behaviour, &format!("{what} prints the value of `{}`", held.name));
        }
    }
}

#[track_caller]
fn is_held(behaviour: &str, step: &str, held: Held<'_>, got: Result<Secret, SecretError>) {
    match got {
        Ok(secret) if secret.expose() == held.value => {}
        Ok(_) => fail(behaviour, &format!("{step}, `{}` has another value", held.name)),
        Err(error) => fail(behaviour, &format!("{step}: {}", chain(&error))),
    }
}

#[track_caller]
fn refused(behaviour: &str, name: &str, got: Result<Secret, SecretError>) -> SecretError {
    match got {
        Ok(_) => fail(behaviour, &format!("there is a secret named {name:?}")),
        Err(error) => error,
    }
}

#[track_caller]
fn fail(behaviour: &str, what: &str) -> ! {
    panic!("secret store conformance, `{behaviour}`: {what}")
}

fn chain(error: &SecretError) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}
