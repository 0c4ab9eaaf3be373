//! `GET /docs`: a page to browse and try the API, by Swagger UI, which is compiled in.
//!
//! A browser that shows it asks nobody but this service. `utoipa-swagger-ui` serves the same files, but
//! unpacks them when it is built, by crates whose features then change how DuckDB's build is done.

use std::{
    collections::HashMap,
    io::{Cursor, Read},
    sync::LazyLock,
};

use axum::{
    Router,
    extract::Path,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Redirect, Response},
    routing::get,
};
use bytes::Bytes;
use utoipa_swagger_ui_vendored::SWAGGER_UI_VENDORED;
use zip::ZipArchive;

use crate::Failure;

/// What the page is made of, beside its own two files: names in the archive's `dist` directory.
const ASSETS: [&str; 5] = [
    "favicon-32x32.png",
    "index.css",
    "swagger-ui-bundle.js",
    "swagger-ui-standalone-preset.js",
    "swagger-ui.css",
];

const PAGE: &str = r#"<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>Tundra</title>
<link rel="stylesheet" href="swagger-ui.css">
<link rel="stylesheet" href="index.css">
<link rel="icon" type="image/png" href="favicon-32x32.png">
</head>
<body>
<div id="swagger-ui"></div>
<script src="swagger-ui-bundle.js"></script>
<script src="swagger-ui-standalone-preset.js"></script>
<script src="start.js"></script>
</body>
</html>
"#;

/// `validatorUrl`: nobody else is sent the description.
const START: &str = r##"window.onload = () => {
  window.ui = SwaggerUIBundle({
    url: "../openapi.json",
    dom_id: "#swagger-ui",
    deepLinking: true,
    tryItOutEnabled: true,
    validatorUrl: null,
    presets: [SwaggerUIBundle.presets.apis, SwaggerUIStandalonePreset],
    layout: "StandaloneLayout",
  });
};
"##;

/// Scripts come from here alone; Swagger UI sets styles in its elements and has pictures in its sheet.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'none'",
);

/// Unpacked when the page is first asked for, and kept: a service that nobody browses has none of it.
static FILES: LazyLock<HashMap<&'static str, Bytes>> = LazyLock::new(|| {
    unpacked().unwrap_or_else(|error| {
        tracing::error!(%error, "the page of the API cannot be unpacked");
        HashMap::new()
    })
});

/// Returns the routes of the page.
pub(crate) fn router<S: Clone + Send + Sync + 'static>() -> Router<S> {
    Router::new()
        .route("/docs", get(async || Redirect::permanent("/docs/")))
        .route("/docs/", get(async || page("index.html")))
        .route("/docs/{file}", get(async |Path(file): Path<String>| page(&file)))
}

fn page(file: &str) -> Response {
    let body = match file {
        "index.html" => Bytes::from_static(PAGE.as_bytes()),
        "start.js" => Bytes::from_static(START.as_bytes()),
        _ => match FILES.get(file) {
            Some(bytes) => bytes.clone(),
            None => {
                let detail = "the page of the API has no such file";
                return Failure::new(StatusCode::NOT_FOUND, "not_found", detail).into_response();
            }
        },
    };
    let kind = match file.rsplit('.').next() {
        Some("css") => "text/css; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("png") => "image/png",
        _ => "text/html; charset=utf-8",
    };
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(kind)),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    ];
    (headers, body).into_response()
}

fn unpacked() -> Result<HashMap<&'static str, Bytes>, zip::result::ZipError> {
    let mut archive = ZipArchive::new(Cursor::new(SWAGGER_UI_VENDORED))?;
    let names = archive.file_names().map(|name| name.map(|name| name.into_owned()));
    let names = names.collect::<Result<Vec<String>, _>>()?;
    let mut files = HashMap::new();
    for asset in ASSETS {
        let end = format!("/dist/{asset}");
        // The directory above has the version in its name.
        let Some(name) = names
            .iter()
            .find(|name| name.strip_suffix(&end).is_some_and(|above| !above.contains('/')))
        else {
            continue;
        };
        let mut bytes = Vec::new();
        archive.by_name(name)?.read_to_end(&mut bytes)?;
        files.insert(asset, Bytes::from(bytes));
    }
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_that_the_page_names_is_there() {
        for asset in ASSETS {
            assert!(!unpacked().unwrap()[asset].is_empty(), "{asset}");
        }
        for name in PAGE.split('"').filter(|part| part.ends_with(".js") || part.ends_with(".css")) {
            assert_eq!(page(name).status(), StatusCode::OK, "{name}");
        }
        assert_eq!(page("../Cargo.toml").status(), StatusCode::NOT_FOUND);
    }
}
