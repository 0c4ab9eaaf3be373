//! `USE_ADBC_DRIVER=true`, as 4.0 has it: a driver where there is one, and a warning where there is none.

use serde_json::json;
use tundra_test_services::env;

use super::convert_database::{ORDERS_AS_TEXT, lines, shop};
use crate::server::stack::Stack;

#[tokio::test]
async fn a_driver_is_used_where_there_is_one_and_done_without_where_there_is_none() {
    let mut stack = Stack::new().await;
    let shop = shop(&stack);
    let rows = shop.run(&format!("{ORDERS_AS_TEXT} ORDER BY id")).unwrap();
    let rows: Vec<&str> = rows.lines().collect();
    stack.set("USE_ADBC_DRIVER", "true");
    let library = env::adbc_driver("adbc_driver_postgresql").unwrap();
    let folder = library.parent().unwrap().to_str().unwrap();
    for (folder, engine) in [("", "native"), (folder, "adbc")] {
        stack.set("ADBC_DRIVER_PATH", folder);
        let server = stack.serve();
        let ask = server.asker();
        assert_eq!(ask.get("/info").await.ok()["features"]["adbc"], true);
        let id = stack.add("database", "postgresql");
        let request = json!({
            "source_id": id, "credentials_id": "shop", "query": "SELECT * FROM orders ORDER BY id",
        });
        let answer = ask.post("/convert/database", &request).await.ok();
        let metadata = &answer["metadata"];
        assert_eq!(metadata["connection_info"]["engine"], engine, "{answer}");
        let warns = metadata["warnings"].to_string().contains("without an ADBC driver");
        assert_eq!(warns, engine == "native", "{answer}");
        assert_eq!(lines(&stack.proven(&id, &answer, "database").await), rows, "{engine}");
    }
}
