//! The SQL for Supabase, run in PostgreSQL, and who may do what then.

use tundra_catalog::SUPABASE_MIGRATIONS;
use tundra_test_services::{Database, MEMBER, STRANGER, User};

const SOURCES: &str = "
    INSERT INTO sources (id, org_id, source_type, connector_type) VALUES
        ('00000000-0000-4000-8000-00000000000a', 'acme', 'file', 'csv'),
        ('00000000-0000-4000-8000-00000000000b', 'other', 'file', 'csv'),
        ('00000000-0000-4000-8000-00000000000c', NULL, 'file', 'csv');
    INSERT INTO source_versions (source_id, version) SELECT id, 1 FROM sources;
    INSERT INTO source_selections (source_id, to_version, reason) SELECT id, 1, 'x' FROM sources;";

fn migrated() -> Database {
    let database = Database::create().unwrap();
    for (_, sql) in SUPABASE_MIGRATIONS {
        database.run(sql).unwrap();
    }
    database
}

/// Returns a database in which the member belongs to one organisation and the stranger to another.
fn filled() -> Database {
    let database = migrated();
    database.run(SOURCES).unwrap();
    let members = format!(
        "INSERT INTO organization_members VALUES ('acme', '{}'), ('others', '{}')",
        MEMBER.id, STRANGER.id
    );
    database.run(&members).unwrap();
    database
}

/// Runs SQL as a request of a user does it with PostgREST.
fn run_as(database: &Database, user: User, sql: &str) -> Result<String, String> {
    let id = user.id;
    let claims = format!(r#"{{"role":"authenticated","sub":"{id}"}}"#);
    database
        .run(&format!(
            "BEGIN; SET LOCAL ROLE authenticated;
         SELECT set_config('request.jwt.claims', '{claims}', true) \\g /dev/null
         {sql}; COMMIT"
        ))
        .map_err(|error| error.to_string())
}

fn run_as_role(database: &Database, role: &str, sql: &str) -> Result<String, String> {
    let sql = format!("BEGIN; SET LOCAL ROLE {role}; {sql}; COMMIT");
    database.run(&sql).map_err(|error| error.to_string())
}

/// Counts what is seen of every table.
const COUNTS: &str =
    "SELECT (SELECT count(*) FROM sources), (SELECT count(*) FROM source_versions),
    (SELECT count(*) FROM source_selections)";

#[test]
fn the_sql_may_be_run_again() {
    let database = filled();
    for (_, sql) in SUPABASE_MIGRATIONS {
        database.run(sql).unwrap();
    }
    assert_eq!(database.run(COUNTS).unwrap(), "3|3|3");
}

#[test]
fn the_columns_are_those_that_tundra_four_documents() {
    let database = Database::create().unwrap();
    database.run(SUPABASE_MIGRATIONS[0].1).unwrap();
    let columns = |table: &str| {
        let sql = format!(
            "SELECT column_name, udt_name, is_nullable FROM information_schema.columns
             WHERE table_name = '{table}' ORDER BY ordinal_position"
        );
        database.run(&sql).unwrap()
    };
    assert_eq!(
        columns("sources"),
        "id|uuid|NO\norg_id|text|YES\nsource_type|source_type|NO\nconnector_type|text|YES\n\
         current_version|int4|YES\nextraction_query|text|YES"
    );
    assert_eq!(
        columns("source_versions"),
        "id|uuid|NO\nsource_id|uuid|NO\nversion|int4|NO\nstatus|source_version_status|NO\n\
         row_count|int8|YES\ncolumn_count|int4|YES\nfile_size_bytes|int8|YES\n\
         processing_time_seconds|float8|YES\nerror_message|text|YES\ncreated_at|timestamptz|NO"
    );
    let labels = "SELECT enum_range(NULL::source_type), enum_range(NULL::source_version_status)";
    assert_eq!(database.run(labels).unwrap(), "{file,database,api}|{pending,active,error}");
}

#[test]
fn a_member_sees_what_is_the_organisations_and_nobody_else_does() {
    let database = filled();
    assert_eq!(run_as(&database, MEMBER, COUNTS).unwrap(), "1|1|1");
    assert_eq!(run_as(&database, STRANGER, COUNTS).unwrap(), "0|0|0");
    assert_eq!(run_as(&database, MEMBER, "SELECT org_id FROM sources").unwrap(), "acme");
    // A token without a user, and none at all.
    assert_eq!(run_as_role(&database, "authenticated", COUNTS).unwrap(), "0|0|0");
    let refused = run_as_role(&database, "anon", COUNTS).unwrap_err();
    assert!(refused.contains("42501"), "{refused}");
}

#[test]
fn a_user_is_told_the_organisations_that_are_theirs() {
    let database = filled();
    let mine = "SELECT tundra_my_organisations()";
    assert_eq!(run_as(&database, MEMBER, mine).unwrap(), "acme");
    assert_eq!(run_as(&database, STRANGER, mine).unwrap(), "others");
    let second = format!("INSERT INTO organization_members VALUES ('globex', '{}')", MEMBER.id);
    database.run(&second).unwrap();
    assert_eq!(run_as(&database, MEMBER, mine).unwrap(), "acme\nglobex");
    // A token without a user, and none at all.
    assert_eq!(run_as_role(&database, "authenticated", mine).unwrap(), "");
    let refused = run_as_role(&database, "anon", mine).unwrap_err();
    assert!(refused.contains("42501"), "{refused}");
    // What it reads does not depend on who calls it from where.
    let elsewhere = "SET LOCAL search_path = pg_temp; SELECT public.tundra_my_organisations()";
    assert_eq!(run_as(&database, STRANGER, elsewhere).unwrap(), "others");
}

#[test]
fn a_member_changes_nothing() {
    let database = filled();
    for sql in [
        "INSERT INTO sources (org_id, source_type) VALUES ('acme', 'file')",
        "UPDATE sources SET current_version = 9",
        "DELETE FROM sources",
        "INSERT INTO source_versions (source_id, version)
         VALUES ('00000000-0000-4000-8000-00000000000a', 2)",
        "UPDATE source_versions SET status = 'active'",
        "DELETE FROM source_versions",
        "DELETE FROM source_selections",
        "INSERT INTO organization_members SELECT 'other', user_id FROM organization_members",
        "SELECT * FROM organization_members",
    ] {
        let refused = run_as(&database, MEMBER, sql).unwrap_err();
        assert!(refused.contains("42501"), "{sql}: {refused}");
    }
    // As Supabase grants it: then the policies are what keeps them from it.
    database.run("GRANT ALL ON ALL TABLES IN SCHEMA public TO authenticated, anon").unwrap();
    for sql in ["UPDATE sources SET current_version = 9", "DELETE FROM source_versions"] {
        run_as(&database, MEMBER, sql).unwrap();
    }
    let inserted = "INSERT INTO sources (org_id, source_type) VALUES ('acme', 'file')";
    assert!(run_as(&database, MEMBER, inserted).is_err());
    assert_eq!(run_as_role(&database, "anon", COUNTS).unwrap(), "0|0|0");
    assert_eq!(database.run(COUNTS).unwrap(), "3|3|3");
    assert_eq!(database.run("SELECT max(current_version) FROM sources").unwrap(), "0");
}

#[test]
fn the_service_does_everything() {
    let database = filled();
    // Also where it does not pass by row-level security.
    for role in ["service_role", "plain_service"] {
        if role == "plain_service" {
            let sql = "DO $$ BEGIN CREATE ROLE plain_service NOLOGIN; EXCEPTION
                 WHEN duplicate_object OR unique_violation THEN NULL; END $$;
                 GRANT service_role TO plain_service";
            database.run(sql).unwrap();
        }
        assert_eq!(run_as_role(&database, role, COUNTS).unwrap(), "3|3|3");
        let sql = "WITH s AS (INSERT INTO sources (org_id, source_type) VALUES ('new', 'api')
                   RETURNING id) SELECT count(*) FROM s;
                   UPDATE sources SET current_version = 1 WHERE org_id = 'new';
                   DELETE FROM sources WHERE org_id = 'new'";
        assert_eq!(run_as_role(&database, role, sql).unwrap(), "1");
    }
}

#[test]
fn memberships_may_be_kept_elsewhere() {
    let database = filled();
    let sql = format!(
        "CREATE TABLE teams (team text, member uuid);
         INSERT INTO teams VALUES ('other', '{}');
         CREATE OR REPLACE FUNCTION tundra_is_member(organization text) RETURNS boolean
         LANGUAGE sql STABLE SECURITY DEFINER AS $$
             SELECT EXISTS (SELECT FROM teams WHERE team = organization AND member::text =
                 nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'sub')
         $$;
         DROP TABLE organization_members",
        MEMBER.id
    );
    database.run(&sql).unwrap();
    assert_eq!(run_as(&database, MEMBER, "SELECT org_id FROM sources").unwrap(), "other");
}

#[test]
fn a_number_a_name_and_a_key_are_taken_once() {
    let database = filled();
    let id = "'00000000-0000-4000-8000-00000000000a'";
    let other = "'00000000-0000-4000-8000-00000000000b'";
    let sql = format!(
        "INSERT INTO source_versions (source_id, version, idempotency_key)
         VALUES ({id}, 2, 'k'), ({other}, 2, 'k');
         UPDATE sources SET name = 'n'"
    );
    database.run(&sql).unwrap();
    for sql in [
        format!("INSERT INTO source_versions (source_id, version) VALUES ({id}, 2)"),
        format!(
            "INSERT INTO source_versions (source_id, version, idempotency_key) VALUES ({id}, 3, 'k')"
        ),
        "INSERT INTO sources (org_id, source_type, name) VALUES ('acme', 'file', 'n')".to_owned(),
    ] {
        let refused = database.run(&sql).unwrap_err();
        assert!(refused.to_string().contains("23505"), "{sql}: {refused}");
    }
    database.run(&format!("DELETE FROM sources WHERE id = {id}")).unwrap();
    assert_eq!(database.run(COUNTS).unwrap(), "2|3|2");
}
