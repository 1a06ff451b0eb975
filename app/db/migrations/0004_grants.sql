-- The service's roles: app answers requests, jobs tidies, auth signs people in. None owns a table,
-- none may change or delete an event.

DO $$
DECLARE missing text;
BEGIN
    SELECT string_agg(name, ', ') INTO missing
      FROM unnest(ARRAY['app', 'jobs', 'auth']) AS name
     WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name);
    IF missing IS NOT NULL THEN
        RAISE EXCEPTION 'these database roles are missing: %', missing
            USING HINT = 'As a superuser: CREATE ROLE <name> LOGIN PASSWORD ''...''; see docs/operations.md.';
    END IF;
END
$$;

REVOKE ALL ON ALL TABLES IN SCHEMA public FROM PUBLIC;
REVOKE CREATE ON SCHEMA public FROM PUBLIC;
REVOKE EXECUTE ON FUNCTION event_number(), event_wake(), event_is_append_only() FROM PUBLIC;

GRANT USAGE ON SCHEMA public TO app, jobs, auth;
GRANT SELECT ON installation, clock, book, event, night, floor_table, table_block, booking,
    booking_table, ticket, headcount TO app, jobs, auth;
GRANT SELECT, INSERT, DELETE ON snapshot TO app, jobs;
GRANT INSERT ON event TO app, jobs, auth;
GRANT INSERT, UPDATE ON night, floor_table, table_block, booking, booking_table, ticket, headcount
    TO app, jobs;
GRANT SELECT, INSERT, UPDATE ON person, payment, scan, device TO app;
GRANT SELECT ON person, payment, scan, device TO jobs;
GRANT SELECT, INSERT ON signing_key TO app, jobs;
GRANT SELECT, INSERT, UPDATE ON idempotency TO app;
GRANT SELECT, DELETE ON idempotency TO jobs;
GRANT SELECT, INSERT, UPDATE, DELETE ON session, sign_in_link, sign_in_failure TO auth;
GRANT SELECT, INSERT, UPDATE ON staff TO auth;
GRANT SELECT ON staff, session TO app;
GRANT UPDATE (seen_at) ON session TO app;
