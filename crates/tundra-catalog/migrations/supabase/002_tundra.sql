-- What Tundra keeps besides the columns of 4.0. All of it is optional, and so is each part: what is not
-- there is done without. Run it after `001_catalog.sql`, or on tables of your own with those columns.

BEGIN;

ALTER TABLE sources
    -- Unique within the organisation.
    ADD COLUMN IF NOT EXISTS name text,
    -- Where it is read from, without credentials; null for what was uploaded.
    ADD COLUMN IF NOT EXISTS location text,
    -- `no_breaking` refuses versions that break readers; null is as `any`.
    ADD COLUMN IF NOT EXISTS schema_rule text;

ALTER TABLE source_versions
    -- The SHA-256 of the receipt, in hexadecimal.
    ADD COLUMN IF NOT EXISTS receipt_sha256 text,
    -- The columns: {"columns": [{"name": …, "type": …}]}.
    ADD COLUMN IF NOT EXISTS schema jsonb,
    -- The caller's name for the request, by which it gets the same version again.
    ADD COLUMN IF NOT EXISTS idempotency_key text,
    -- The SHA-256 of that request, in hexadecimal, so that another one under the same name is noticed.
    ADD COLUMN IF NOT EXISTS request_digest text;

-- By the name first, because it is also asked for without the organisation.
CREATE UNIQUE INDEX IF NOT EXISTS sources_name_org_id_key
    ON sources (name, org_id) WHERE name IS NOT NULL;
CREATE UNIQUE INDEX IF NOT EXISTS source_versions_source_id_idempotency_key_key
    ON source_versions (source_id, idempotency_key) WHERE idempotency_key IS NOT NULL;

-- What was selected by hand, and why.
CREATE TABLE IF NOT EXISTS source_selections (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    source_id uuid NOT NULL REFERENCES sources (id) ON DELETE CASCADE,
    from_version integer,
    to_version integer NOT NULL,
    reason text NOT NULL,
    selected_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX IF NOT EXISTS source_selections_source_id_idx
    ON source_selections (source_id, selected_at);

ALTER TABLE source_selections ENABLE ROW LEVEL SECURITY;
DROP POLICY IF EXISTS tundra_members_read ON source_selections;
CREATE POLICY tundra_members_read ON source_selections FOR SELECT TO authenticated
    USING (EXISTS (SELECT FROM sources WHERE sources.id = source_selections.source_id));
DROP POLICY IF EXISTS tundra_service ON source_selections;
CREATE POLICY tundra_service ON source_selections TO service_role USING (true) WITH CHECK (true);
GRANT SELECT ON source_selections TO authenticated;
GRANT SELECT, INSERT, UPDATE, DELETE ON source_selections TO service_role;

NOTIFY pgrst, 'reload schema';

COMMIT;
