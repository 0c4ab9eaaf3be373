-- What was asked for under a key, so that another request under the same key is noticed: the SHA-256 of the
-- request, in hexadecimal. Null where that is not known.

ALTER TABLE source_versions ADD COLUMN request_digest TEXT;
