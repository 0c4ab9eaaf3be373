//! A catalog that fails before, during and after a conversion, and rows that somebody else changes.

use tundra_core::{Catalog, Classify, ErrorKind, Scope, VersionStatus};
use tundra_runs::RunError;

use crate::support::{Call, Fault, Interference, Place, control, run_of, version};

const TEXT: &str = "id,name\n1,Ann\n2,Bob\n";

async fn failed(place: &Place, fault: Fault) -> (tundra_core::Source, RunError) {
    let source = place.uploaded("people", TEXT).await;
    let runs = place.failing(fault);
    let error = runs.convert_file(run_of(&source), &control()).await.unwrap_err();
    (source, error)
}

const fn unanswered(at: Call) -> Fault {
    Fault { at, done: false, before: None }
}

#[tokio::test]
async fn a_catalog_that_is_down_before_a_run_leaves_nothing() {
    let place = Place::new().await;
    let (source, error) = failed(&place, unanswered(Call::Reserve)).await;
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(place.versions(&source).await.is_empty());
    assert_eq!(place.objects(&source), [""; 0]);
}

#[tokio::test]
async fn a_reservation_whose_answer_is_lost_is_swept() {
    let place = Place::new().await;
    let (source, error) = failed(&place, Fault { done: true, ..unanswered(Call::Reserve) }).await;
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert_eq!(place.versions(&source).await[0].status, VersionStatus::Pending);
    let sweep = place.runs.sweep(std::time::Duration::ZERO).await.unwrap();
    assert_eq!((sweep.swept.len(), sweep.failed), (1, 0));
    assert_eq!(place.versions(&source).await[0].status, VersionStatus::Error);
}

#[tokio::test]
async fn a_catalog_that_is_down_while_a_run_converts_keeps_it_from_publishing() {
    let place = Place::new().await;
    let (source, error) = failed(&place, unanswered(Call::CheckPending)).await;
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert_eq!(place.objects(&source), [""; 0]);
    assert_eq!(place.versions(&source).await[0].status, VersionStatus::Error);
}

#[tokio::test]
async fn a_catalog_that_is_down_at_the_end_leaves_the_data_to_the_sweep() {
    let place = Place::new().await;
    let (source, error) = failed(&place, unanswered(Call::Activate)).await;
    assert!(matches!(error, RunError::Unsettled { .. }), "{error}");
    assert!(error.hints()[0].contains("tundra versions"));
    // It could be active, so nothing is removed; it is not, so nobody sees it.
    assert_eq!(place.objects(&source).len(), 4);
    assert_eq!(place.again(&source).await.current_version, None);
    let sweep = place.runs.sweep(std::time::Duration::ZERO).await.unwrap();
    assert_eq!(sweep.swept[0].objects, 4);
    assert_eq!(place.objects(&source), [""; 0]);
}

#[tokio::test]
async fn an_activation_whose_answer_is_lost_keeps_its_data() {
    let place = Place::new().await;
    let (source, error) = failed(&place, Fault { done: true, ..unanswered(Call::Activate) }).await;
    assert!(matches!(error, RunError::Unsettled { .. }), "{error}");
    assert_eq!(place.again(&source).await.current_version, Some(version(1)));
    let sweep = place.runs.sweep(std::time::Duration::ZERO).await.unwrap();
    assert!(sweep.swept.is_empty());
    assert_eq!(place.objects(&source).len(), 4);
}

#[tokio::test]
async fn a_failed_run_that_cannot_say_so_is_swept() {
    let place = Place::new().await;
    let source = place.uploaded("broken", "id,name\n1,Ann\n2,Bob,Oslo\n3,Cy\n4,Di\n").await;
    let runs = place.failing(unanswered(Call::Fail));
    let error = runs.convert_file(run_of(&source), &control()).await.unwrap_err();
    // What is told is why the run failed, not what failed after it.
    assert_eq!(error.kind(), ErrorKind::InvalidData);
    assert_eq!(place.versions(&source).await[0].status, VersionStatus::Pending);
    let sweep = place.runs.sweep(std::time::Duration::ZERO).await.unwrap();
    assert_eq!(sweep.swept.len(), 1);
}

#[tokio::test]
async fn a_run_that_was_swept_publishes_nothing() {
    for at in [Call::CheckPending, Call::Activate] {
        let place = Place::new().await;
        let before = Some(Interference::Sweep);
        let (source, error) = failed(&place, Fault { before, ..unanswered(at) }).await;
        assert_eq!(error.kind(), ErrorKind::Conflict, "{at:?}: {error}");
        assert_eq!(place.objects(&source), [""; 0], "{at:?}");
        let versions = place.versions(&source).await;
        assert_eq!(versions[0].error_message.as_deref(), Some("swept by somebody else"), "{at:?}");
        assert_eq!(place.again(&source).await.current_version, None, "{at:?}");
    }
}

#[tokio::test]
async fn a_run_whose_row_is_gone_publishes_nothing() {
    for at in [Call::CheckPending, Call::Activate] {
        let place = Place::new().await;
        let before = Some(Interference::RemoveRows);
        let (source, error) = failed(&place, Fault { before, ..unanswered(at) }).await;
        let is_told = matches!(error.kind(), ErrorKind::Conflict | ErrorKind::NotFound);
        assert!(is_told, "{at:?}: {error}");
        assert_eq!(place.objects(&source), [""; 0], "{at:?}");
        let gone = place.catalog.source(&Scope::All, source.id).await.unwrap_err();
        assert_eq!(gone.kind, ErrorKind::NotFound, "{at:?}");
    }
}
