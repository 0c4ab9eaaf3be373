//! The bodies of requests: [`Json`].

use axum::extract::{FromRequest, Request};
use serde::de::DeserializeOwned;

use super::object::Object;
use crate::{Failure, layers::body::read_json};

/// A body of JSON that was read. What cannot be read is refused with the field that is wrong; see
/// [`read_json`].
#[derive(Debug, Clone, Copy)]
pub(crate) struct Json<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Json<T> {
    type Rejection = Failure;

    async fn from_request(request: Request, _: &S) -> Result<Self, Failure> {
        read_json(request).await.map(|Object(value)| Self(value))
    }
}

/// Reads a text as the body of a request.
#[cfg(test)]
pub(crate) async fn read<T: DeserializeOwned>(text: &str) -> Result<T, Failure> {
    use axum::{body::Body, http::header::CONTENT_TYPE};

    use crate::{Settings, layers::body::Rules};

    let request = Request::post("/").header(CONTENT_TYPE, "application/json");
    let mut request = request.body(Body::from(text.to_owned())).unwrap();
    request.extensions_mut().insert(Rules::json(&Settings::default()));
    read_json(request).await.map(|Object(value)| value)
}
