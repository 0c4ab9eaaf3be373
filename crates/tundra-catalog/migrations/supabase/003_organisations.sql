-- Of which organisations a user is, for a server with TUNDRA_JWT_TENANT=row-level-security. Nothing else needs
-- it. It may be run again.
--
-- ADAPT: it reads `organization_members (org_id, user_id)`, as `tundra_is_member` of `001_catalog.sql` does.
-- Where memberships are kept elsewhere, give the function another body.

BEGIN;

-- Returns the organisations of the user of the request. It reads memberships with the rights of its owner, so
-- that users need none on that table.
CREATE OR REPLACE FUNCTION tundra_my_organisations() RETURNS SETOF text
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path FROM CURRENT
AS $$
BEGIN
    RETURN QUERY
        SELECT organization_members.org_id::text FROM organization_members
        -- As `auth.uid()` of Supabase does; PostgREST sets the claims of the token.
        WHERE organization_members.user_id::text =
            nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'sub'
        ORDER BY 1;
END
$$;
REVOKE ALL ON FUNCTION tundra_my_organisations() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION tundra_my_organisations() TO authenticated, service_role;

-- PostgREST knows the functions by what it read when it began.
NOTIFY pgrst, 'reload schema';

COMMIT;
