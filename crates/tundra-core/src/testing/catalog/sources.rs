//! Sources: what is kept of them, who sees them, and how they go.

use std::collections::BTreeSet;

use uuid::Uuid;

use super::{
    Keeps,
    harness::{Test, facts, tenant},
};
use crate::{
    catalog::{BreakerState, Catalog, NewSource, SchemaRule, Scope, SourceType},
    error::ErrorKind,
    identity::{SourceId, VersionNumber},
};

/// A catalog that works says so, and where it is.
pub async fn answers_a_ping(catalog: &dyn Catalog) {
    let test = Test::new(catalog, "answers_a_ping");
    test.ok("ping", catalog.ping().await);
    test.same("whether its place is empty", &catalog.display().is_empty(), &false);
}

/// What a catalog says of the server behind it costs that no request, and a catalog that answers is not said
/// to be left alone.
pub async fn says_how_it_stands(catalog: &dyn Catalog) {
    let test = Test::new(catalog, "says_how_it_stands");
    test.ok("ping", catalog.ping().await);
    let standing = catalog.standing();
    test.same("whether it is left alone", &(standing.breaker == Some(BreakerState::Open)), &false);
    test.same("its requests, when nobody asks anything", &standing.requests, &0);
    test.same("how it stands when nothing has happened", &catalog.standing(), &standing);
}

/// A source reads as it was added, by its id, by its name and in lists.
pub async fn keeps_what_a_source_is(catalog: &dyn Catalog, keeps: Keeps) {
    let test = Test::new(catalog, "keeps_what_a_source_is");
    let awkward = [
        None,
        Some("a,b.c(d):e"),
        Some("100 %_*"),
        Some(r#""quoted" \ 'single'"#),
        Some("näme 😀 \u{202e}x"),
        Some(" spaces "),
        Some("null"),
        Some("a&b=c#d?e+f/g"),
        Some("two\nlines"),
    ];
    let types = [SourceType::File, SourceType::Database, SourceType::Api];
    let mut added = Vec::new();
    for (number, name) in awkward.into_iter().enumerate() {
        let new = NewSource {
            name: name.map(str::to_owned),
            location: name.map(|name| format!("s3://bucket/{name}.csv")),
            source_type: types[number % types.len()],
            connector_type: ["csv", "postgresql", "some thing"][number % 3].to_owned(),
            schema_rule: [SchemaRule::Any, SchemaRule::NoBreaking][number % 2],
            ..test.new_source()
        };
        let source = test.add(&new).await;
        test.same("the id", &source.id, &new.id);
        test.same("the tenant", &source.tenant, &new.tenant);
        test.same("the name", &source.name, &new.name.clone().filter(|_| keeps.names));
        test.same("the type", &source.source_type, &new.source_type);
        test.same("the connector", &source.connector_type, &new.connector_type);
        let location = new.location.clone().filter(|_| keeps.locations);
        test.same("the location", &source.location, &location);
        let rule = if keeps.schema_rules { new.schema_rule } else { SchemaRule::Any };
        test.same("the rule", &source.schema_rule, &rule);
        test.same("the current version", &source.current_version, &None);
        test.same("the query", &source.extraction_query, &None);

        test.same("the source by its id", &test.again(&source).await, &source);
        if let Some(name) = &source.name {
            for scope in [test.scope(), Scope::All] {
                // Of all tenants, an earlier run of this suite may have left one.
                match catalog.source_named(&scope, name).await {
                    Err(error) if scope == Scope::All && error.kind == ErrorKind::Conflict => {}
                    result => {
                        let named = test.ok("read a source by its name", result);
                        test.same("the source by its name", &named, &source);
                    }
                }
            }
        }
        added.push(source);
    }
    added.sort_by_key(|source| source.id);
    let listed = test.ok("list sources", catalog.sources(&test.scope(), None, 100).await);
    test.same("the sources", &listed, &added);
}

/// Neither an id nor, within a tenant, a name is taken twice.
pub async fn adds_a_source_once(catalog: &dyn Catalog, keeps: Keeps) {
    let test = Test::new(catalog, "adds_a_source_once");
    let name = format!("orders {}", Uuid::new_v4());
    let first = NewSource { name: Some(name.clone()), ..test.new_source() };
    let source = test.add(&first).await;
    let refused = async |what: &str, new: &NewSource| {
        test.refused(what, catalog.add_source(new).await, ErrorKind::AlreadyExists);
    };
    refused("adding the same source again", &first).await;
    let other_name = NewSource { name: Some("other".to_owned()), ..first.clone() };
    refused("adding a source with its id", &other_name).await;
    let other_tenant = NewSource { tenant: tenant(), ..other_name };
    refused("adding a source with its id to another tenant", &other_tenant).await;
    test.same("the source", &test.again(&source).await, &source);
    if !keeps.names {
        return;
    }

    let same_name = NewSource { id: SourceId::generate(), ..first.clone() };
    refused("adding a source with its name", &same_name).await;
    let elsewhere = NewSource { tenant: tenant(), ..same_name };
    let elsewhere = test.add(&elsewhere).await;
    let named = catalog.source_named(&test.scope(), &name).await;
    test.same("the source by its name", &test.ok("read it", named), &source);
    let other_scope = Scope::Tenant(elsewhere.tenant.clone());
    let named = catalog.source_named(&other_scope, &name).await;
    test.same("the other's by the same name", &test.ok("read it", named), &elsewhere);
    let both = catalog.source_named(&Scope::All, &name).await;
    test.refused("reading a source by a name that two have", both, ErrorKind::Conflict);

    test.ok("remove it", catalog.remove_source(&source).await);
    test.add(&first).await;
}

/// Of another tenant's source nobody learns that it is there.
pub async fn shows_nobody_elses_sources(catalog: &dyn Catalog, keeps: Keeps) {
    let test = Test::new(catalog, "shows_nobody_elses_sources");
    let name = format!("orders {}", Uuid::new_v4());
    let new = NewSource { name: Some(name.clone()), ..test.new_source() };
    let source = test.add(&new).await;
    let stranger = Scope::Tenant(tenant());
    let missing = SourceId::generate();
    for (scope, id) in [
        (&stranger, source.id),
        (&stranger, missing),
        (&test.scope(), missing),
        (&Scope::All, missing),
    ] {
        let read = catalog.source(scope, id).await;
        test.refused("reading a source that is not there", read, ErrorKind::NotFound);
    }
    let listed = test.ok("list sources", catalog.sources(&stranger, None, 100).await);
    test.same("the sources of a stranger", &listed, &Vec::new());
    let everybody = catalog.source(&Scope::All, source.id).await;
    test.same("the source, of all", &test.ok("read it", everybody), &source);
    if keeps.names {
        let named = catalog.source_named(&stranger, &name).await;
        test.refused("reading another's source by its name", named, ErrorKind::NotFound);
        let named = catalog.source_named(&test.scope(), "nothing has this name").await;
        test.refused("reading by a name that nothing has", named, ErrorKind::NotFound);
    }
}

/// Pages follow each other without a gap and without an overlap.
pub async fn pages_sources_by_their_ids(catalog: &dyn Catalog) {
    let test = Test::new(catalog, "pages_sources_by_their_ids");
    let mut ids = BTreeSet::new();
    for _ in 0..7 {
        // Ids that do not rise with the time they were made at.
        let id = test.source_id(Uuid::new_v4());
        let new = NewSource { id, ..test.new_source() };
        ids.insert(test.add(&new).await.id);
    }
    let ids: Vec<SourceId> = ids.into_iter().collect();
    for limit in [1, 3, 7, 100] {
        let mut seen = Vec::new();
        loop {
            let after = seen.last().copied();
            let page = catalog.sources(&test.scope(), after, limit).await;
            let page = test.ok("list a page", page);
            test.same("whether the page is too long", &(page.len() > limit), &false);
            seen.extend(page.iter().map(|source| source.id));
            if page.len() < limit {
                break;
            }
        }
        test.same(&format!("the sources in pages of {limit}"), &seen, &ids);
    }
    let first = ids.first().copied();
    let page = test.ok("list all tenants'", catalog.sources(&Scope::All, first, 5).await);
    let rising = page.is_sorted_by(|a, b| a.id < b.id);
    let behind = page.first().is_some_and(|source| Some(source.id) > first);
    test.same("whether the page of all tenants rises from its start", &(rising && behind), &true);
}

/// A source that is removed is gone with its versions; removing it again changes nothing.
pub async fn removes_a_source_with_its_versions(catalog: &dyn Catalog) {
    let test = Test::new(catalog, "removes_a_source_with_its_versions");
    let (source, other) = (test.source().await, test.source().await);
    let kept = test.activated(&other).await;
    test.activated(&source).await;
    let pending = test.reserve(&source).await;
    let source = test.again(&source).await;
    for _ in 0..2 {
        test.ok("remove the source", catalog.remove_source(&source).await);
        let read = catalog.source(&test.scope(), source.id).await;
        test.refused("reading a removed source", read, ErrorKind::NotFound);
        let read = catalog.version(&source, VersionNumber::FIRST).await;
        test.refused("reading a version of a removed source", read, ErrorKind::NotFound);
        test.same("the versions left", &test.versions(&source).await, &Vec::new());
    }
    let activated = catalog.activate(&pending, &facts(pending.number)).await;
    test.refused("activating a version of a removed source", activated, ErrorKind::NotFound);
    test.same("the other source's versions", &test.versions(&other).await, &vec![kept]);
    let listed = test.ok("list sources", catalog.sources(&test.scope(), None, 100).await);
    test.same("the sources left", &listed, &vec![test.again(&other).await]);
}
