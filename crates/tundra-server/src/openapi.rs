//! The description of the API: what the routes do not say of themselves.

use std::collections::BTreeMap;

use utoipa::{
    IntoResponses, Modify, OpenApi,
    openapi::{
        Content, Ref, RefOr, Response, ResponseBuilder,
        security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme},
    },
};

use crate::failure::Problem;

/// What stands before the routes.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Tundra",
        description = "Files and databases to versioned Parquet. Requests of Tundra 4.0, which name a \
                       source, and of 3.0, which name signed URLs, are both taken.",
        license(name = "Apache-2.0", identifier = "Apache-2.0"),
    ),
    components(schemas(Problem)),
    modifiers(&Credentials),
    security((), ("api_key" = []), ("bearer" = [])),
    tags(
        (name = "convert", description = "Files, tables and queries to Parquet"),
        (name = "look", description = "What is in a file, and whether a database answers"),
        (name = "jobs", description = "Conversions that are asked for and looked after later"),
        (name = "sources", description = "Sources, their versions and their data"),
        (name = "service", description = "The service itself"),
    )
)]
pub(crate) struct Document;

/// The ways to say who asks.
struct Credentials;

impl Modify for Credentials {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let components = document.components.get_or_insert_default();
        let mut key = ApiKeyValue::new("X-API-Key");
        key.description = Some("An API key, `tnd_…`".to_owned());
        components.add_security_scheme("api_key", SecurityScheme::ApiKey(ApiKey::Header(key)));
        let bearer = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .description(Some(
                "An API key, or the token of a session. Where its holder is a member of several \
                 organisations, `X-Organisation` names the one that the request is for.",
            ))
            .build();
        components.add_security_scheme("bearer", SecurityScheme::Http(bearer));
    }
}

/// The failures that every route behind authentication may answer with.
#[derive(Debug)]
pub(crate) struct Problems;

/// The failures of routes that run something.
#[derive(Debug)]
pub(crate) struct RunProblems;

/// What may be wrong wherever somebody asks for something.
const ANYWHERE: [(&str, &str); 7] = [
    ("400", "The request makes no sense, or the data cannot be converted as asked"),
    ("401", "It is not known who asks"),
    ("403", "The caller may not do this"),
    ("404", "There is no such thing, or it is another organisation's"),
    ("429", "The caller asks too often"),
    ("500", "A bug"),
    ("503", "The service is busy, ends, or cannot find out who asks"),
];

/// What may be wrong besides, where something is run.
const OF_RUNS: [(&str, &str); 7] = [
    ("408", "The body came too slowly"),
    ("409", "Something else happened at the same time, or the key was used before"),
    ("413", "The body or the file is larger than is allowed"),
    ("415", "The body is no JSON"),
    ("499", "The run was cancelled"),
    ("502", "A store, a database or the catalog cannot be reached"),
    ("504", "The run took longer than is allowed"),
];

impl IntoResponses for Problems {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        ANYWHERE.into_iter().map(response).collect()
    }
}

impl IntoResponses for RunProblems {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        ANYWHERE.into_iter().chain(OF_RUNS).map(response).collect()
    }
}

fn response((status, description): (&str, &str)) -> (String, RefOr<Response>) {
    let schema = RefOr::Ref(Ref::from_schema_name("Problem"));
    let response = ResponseBuilder::new()
        .description(description)
        .content("application/json", Content::new(Some(schema)))
        .build();
    (status.to_owned(), response.into())
}

/// Finishes what the routes made of the document.
pub(crate) fn finished(mut document: utoipa::openapi::OpenApi) -> utoipa::openapi::OpenApi {
    document.info.version = env!("CARGO_PKG_VERSION").to_owned();
    document
}
