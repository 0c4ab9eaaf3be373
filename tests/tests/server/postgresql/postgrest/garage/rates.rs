//! How often callers may ask, as both documents have it.

use serde_json::json;

use crate::server::stack::Stack;

#[tokio::test]
async fn each_caller_has_the_rates_of_the_documents() {
    let mut stack = Stack::new().await;
    for name in ["TUNDRA_RATE_CONVERT", "TUNDRA_RATE_INFER", "TUNDRA_RATE_TEST_CONNECTION"] {
        stack.set(name, "");
    }
    let [first, second] =
        ["first", "second"].map(|name| stack.run(&["keys", "create", name, "--org", &stack.org]));
    let server = stack.serve_with(&[]);
    let first = server.asker().with("x-api-key", &first);
    let second = server.asker().with("x-api-key", &second);
    let nothing = json!({});
    for (path, often) in [
        ("/convert/file", 10),
        ("/convert/database", 10),
        ("/infer/schema", 20),
        ("/test/database-connection", 20),
    ] {
        for number in 1..=often {
            let answer = first.post(path, &nothing).await;
            answer.failure(400, "invalid_request");
            assert_eq!(answer.header("ratelimit-limit"), Some(often.to_string().as_str()));
            let left: u64 = answer.header("ratelimit-remaining").unwrap().parse().unwrap();
            // On a slow machine some may have come back already.
            assert!((often - number..often).contains(&left), "{path}: {left} after {number}");
        }
        // They come back evenly, so that on a slow machine a few more are let in.
        let mut refused = first.post(path, &nothing).await;
        for _ in 0..often {
            if refused.status == 429 {
                break;
            }
            refused = first.post(path, &nothing).await;
        }
        refused.failure(429, "rate_limited");
        let wait: u64 = refused.header("retry-after").unwrap().parse().unwrap();
        assert!((1..=60 / often).contains(&wait), "{path}: {wait}");
        assert_eq!(refused.header("ratelimit-remaining"), Some("0"));
        // Nobody pays for another, and to look costs nothing.
        second.post(path, &nothing).await.failure(400, "invalid_request");
    }
    assert_eq!(first.get("/health").await.status, 200);
    assert_eq!(first.get("/sources").await.status, 200);
}
