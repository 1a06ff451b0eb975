-- Requests read who somebody is, never the hash of a password.

REVOKE SELECT ON staff FROM app;
GRANT SELECT (id, username, display_name, role, demo, disabled_at) ON staff TO app;

-- Readiness asks whether the schema is the code's.
GRANT SELECT ON migration TO app, jobs, auth;

-- The book of the administration exists from the first day, with no line in it.
INSERT INTO book (name) VALUES ('venue') ON CONFLICT DO NOTHING;
