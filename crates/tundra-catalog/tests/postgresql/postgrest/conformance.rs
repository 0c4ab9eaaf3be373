//! The suite that every catalog passes.

use tundra_core::testing::catalog::{Keeps, run_all};

use super::{catalog, essential, whole, with_uuids};

#[tokio::test]
async fn passes_the_suite_with_all_columns() {
    let server = whole();
    run_all(&catalog(&server), Keeps::EVERYTHING).await;
}

#[tokio::test]
async fn passes_the_suite_with_the_columns_of_tundra_four() {
    let server = essential();
    run_all(&catalog(&server), Keeps::ESSENTIALS).await;
}

#[tokio::test]
async fn passes_the_suite_where_organisations_are_uuids() {
    let server = with_uuids(&[]);
    run_all(&catalog(&server), Keeps::EVERYTHING).await;
}
