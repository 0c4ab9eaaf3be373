-- The tables of Tundra 4.0: sources and their versions. Run by the owner of the database, as in
-- Supabase's SQL editor or by its command line tool. It may be run again. Where a 4.0 is in use its
-- tables stay as they are, but they get row-level security: look at what else writes to them first, or
-- leave this file out, and see that (source_id, version) is unique.
--
-- ADAPT: one function says who belongs to an organisation, `tundra_is_member` below. It reads a table
-- `organization_members (org_id, user_id)`. Where memberships are kept elsewhere, give the function
-- another body; nothing else here knows about them.

BEGIN;

-- Supabase has these roles. They are made elsewhere, so that a plain PostgREST works, too.
DO $$
DECLARE
    wanted record;
BEGIN
    FOR wanted IN
        VALUES ('anon', ''), ('authenticated', ''), ('service_role', 'BYPASSRLS')
    LOOP
        BEGIN
            IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = wanted.column1) THEN
                EXECUTE format('CREATE ROLE %I NOLOGIN %s', wanted.column1, wanted.column2);
            END IF;
        EXCEPTION WHEN duplicate_object OR unique_violation THEN
            -- Somebody made it at the same time: roles are those of all databases of a server.
            NULL;
        END;
    END LOOP;
END
$$;

DO $$
BEGIN
    IF to_regtype('source_type') IS NULL THEN
        CREATE TYPE source_type AS ENUM ('file', 'database', 'api');
    END IF;
    IF to_regtype('source_version_status') IS NULL THEN
        CREATE TYPE source_version_status AS ENUM ('pending', 'active', 'error');
    END IF;
END
$$;

CREATE TABLE IF NOT EXISTS sources (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    -- A UUID in most deployments; `uuid` does as well.
    org_id text,
    source_type source_type NOT NULL,
    -- A format such as `csv`, or a database such as `postgresql`.
    connector_type text,
    -- The version that readers see; 0 before the first.
    current_version integer DEFAULT 0,
    extraction_query text
);

CREATE TABLE IF NOT EXISTS source_versions (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    source_id uuid NOT NULL REFERENCES sources (id) ON DELETE CASCADE,
    version integer NOT NULL,
    status source_version_status NOT NULL DEFAULT 'pending',
    row_count bigint,
    column_count integer,
    file_size_bytes bigint,
    processing_time_seconds double precision,
    error_message text,
    created_at timestamptz NOT NULL DEFAULT now()
);

-- Two runs at once cannot have one number: whoever comes second takes the next. It is also how the
-- versions of a source are found.
CREATE UNIQUE INDEX IF NOT EXISTS source_versions_source_id_version_key
    ON source_versions (source_id, version);
-- The sources of an organisation, in their order.
CREATE INDEX IF NOT EXISTS sources_org_id_id_idx ON sources (org_id, id);
-- What a crashed run has left.
CREATE INDEX IF NOT EXISTS source_versions_pending_idx
    ON source_versions (created_at) WHERE status = 'pending';

-- Who belongs to an organisation.
CREATE TABLE IF NOT EXISTS organization_members (
    org_id text NOT NULL,
    user_id uuid NOT NULL,
    PRIMARY KEY (org_id, user_id)
);
CREATE INDEX IF NOT EXISTS organization_members_user_id_idx ON organization_members (user_id);

-- Returns whether the user of the request belongs to the organisation. It reads memberships with the
-- rights of its owner, so that users need none on that table.
CREATE OR REPLACE FUNCTION tundra_is_member(organization text) RETURNS boolean
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path FROM CURRENT
AS $$
BEGIN
    RETURN EXISTS (
        SELECT FROM organization_members
        WHERE organization_members.org_id::text = organization
          -- As `auth.uid()` of Supabase does; PostgREST sets the claims of the token.
          AND organization_members.user_id::text =
              nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'sub'
    );
END
$$;
REVOKE ALL ON FUNCTION tundra_is_member(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION tundra_is_member(text) TO authenticated, service_role;

-- Members see what is theirs, and nobody else does. Only the service writes: versions have rules that
-- row-level security cannot say.
ALTER TABLE sources ENABLE ROW LEVEL SECURITY;
ALTER TABLE source_versions ENABLE ROW LEVEL SECURITY;
ALTER TABLE organization_members ENABLE ROW LEVEL SECURITY;

DROP POLICY IF EXISTS tundra_members_read ON sources;
CREATE POLICY tundra_members_read ON sources FOR SELECT TO authenticated
    USING (tundra_is_member(org_id::text));
DROP POLICY IF EXISTS tundra_members_read ON source_versions;
CREATE POLICY tundra_members_read ON source_versions FOR SELECT TO authenticated
    -- The policy of `sources` decides.
    USING (EXISTS (SELECT FROM sources WHERE sources.id = source_versions.source_id));

-- At Supabase this role passes by row-level security; elsewhere it may not.
DROP POLICY IF EXISTS tundra_service ON sources;
CREATE POLICY tundra_service ON sources TO service_role USING (true) WITH CHECK (true);
DROP POLICY IF EXISTS tundra_service ON source_versions;
CREATE POLICY tundra_service ON source_versions TO service_role USING (true) WITH CHECK (true);
DROP POLICY IF EXISTS tundra_service ON organization_members;
CREATE POLICY tundra_service ON organization_members TO service_role
    USING (true) WITH CHECK (true);

GRANT SELECT ON sources, source_versions TO authenticated;
GRANT SELECT, INSERT, UPDATE, DELETE ON sources, source_versions, organization_members
    TO service_role;

-- PostgREST knows the tables by what it read when it began.
NOTIFY pgrst, 'reload schema';

COMMIT;
