//! Whose credentials a caller may name, in either isolation.

use rusqlite::Connection;
use serde_json::json;

use super::server::Server;
use crate::support::Sandbox;

/// Makes a database, a secret for it in the directory of secrets, and a source of the organisation, whose id
/// and key it returns.
fn organisation(sandbox: &Sandbox, name: &str) -> (String, String) {
    let database = sandbox.path(&format!("{name}.db"));
    Connection::open(&database).unwrap().execute_batch("CREATE TABLE t (a INTEGER)").unwrap();
    let secret = json!({ "file_path": database });
    sandbox.write(&format!("secrets/org-{name}_shop"), secret.to_string());
    let add = ["source", "add", name, &format!("sqlite:{}", database.display()), "--org", name];
    let id = sandbox.run(&add).succeeds().stdout().trim().to_owned();
    let create = ["keys", "create", name, "--org", name];
    (id, sandbox.run(&create).succeeds().stdout().trim().to_owned())
}

#[test]
fn two_organisations_do_not_read_with_each_other_s_secrets() {
    for isolation in ["process", "thread"] {
        let sandbox = Sandbox::new();
        std::fs::create_dir(sandbox.path("secrets")).unwrap();
        let (a, key_of_a) = organisation(&sandbox, "a");
        let (b, key_of_b) = organisation(&sandbox, "a-b");
        let in_variable = json!({ "file_path": sandbox.path("a-b.db") }).to_string();
        let start = |rule: &str| {
            let mut command = sandbox.tundra(&["serve", "--port", "0", "--isolation", isolation]);
            command
                .env("TUNDRA_SECRETS_DIRECTORY", sandbox.path("secrets"))
                .env("TUNDRA_DATABASE_DIRECTORIES", sandbox.work())
                .env("TUNDRA_SECRET_org-a-b_x", &in_variable)
                .env("TUNDRA_SECRETS_OF_ORGANISATIONS", rule);
            Server::begin(&mut command)
        };
        let ask = |server: &Server, source: &str, key: &str, secret: &str| {
            let request = json!({
                "source_id": source, "credentials_id": secret, "table_name": "t",
            });
            server.post_with("/convert/database", &format!("x-api-key: {key}\r\n"), &request)
        };
        // An empty variable is as none.
        let server = start("");
        for (source, key, secrets) in [
            (&a, &key_of_a, &["org-a-b_shop", "org-a-b_x", "org-a_b_x", "shop"][..]),
            (&b, &key_of_b, &["org-a_shop", "org-a_b_shop", "shop"]),
        ] {
            for secret in secrets {
                let answer = ask(&server, source, key, secret);
                assert_eq!((answer.status, answer.code()), (404, "not_found"), "{answer:?}");
            }
        }
        for (source, key, secret) in [
            (&a, &key_of_a, "org-a_shop"),
            (&b, &key_of_b, "org-a-b_shop"),
            (&b, &key_of_b, "org-a-b_x"),
        ] {
            let answer = ask(&server, source, key, secret);
            assert_eq!(answer.status, 200, "{secret}: {answer:?}");
        }
        server.stop("TERM");

        let server = start("any");
        let answer = ask(&server, &a, &key_of_a, "org-a-b_shop");
        assert_eq!(answer.status, 200, "{answer:?}");
        server.stop("TERM");
    }
}
