-- A role that may make temporary tables could lay its own `book` or `clock` before the schema's:
-- unnamed, the temporary schema is searched first. Functions that run as their owner search it last.
ALTER FUNCTION event_number() SET search_path = pg_catalog, public, pg_temp;
ALTER FUNCTION lock_book(text) SET search_path = pg_catalog, public, pg_temp;
REVOKE EXECUTE ON FUNCTION lock_book(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION lock_book(text) TO app, jobs;

-- No role may do what its work does not need: money and verdicts are written once (only the version
-- is put into a verdict's answer, by finish_action), codes are signed for requests alone, and who
-- signs people in has no business with bookings.
REVOKE UPDATE ON payment, scan FROM app;
GRANT UPDATE (answer) ON scan TO app;
REVOKE SELECT, INSERT ON signing_key FROM jobs;
REVOKE SELECT ON night, floor_table, table_block, booking, booking_table, ticket, headcount FROM auth;
