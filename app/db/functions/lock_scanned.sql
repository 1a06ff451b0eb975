-- The second word of one scan or of several: all that lock_floor tells of the bookings which
-- find_scanned came to, locked together in the one order. Nothing where each has its answer already.
CREATE OR REPLACE FUNCTION lock_scanned() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    v_scanned  text := current_setting('app.scanned', true);
    v_bookings uuid[];
BEGIN
    IF coalesce(v_scanned, '') = '' THEN
        RETURN;
    END IF;
    v_bookings := array_remove(string_to_array(v_scanned, ',', '-'), NULL)::uuid[];
    PERFORM lock_floor(
        current_setting('app.uid'), current_setting('app.role'), 'scan',
        current_setting('app.caller'), NULL, NULL, current_setting('app.scanned_night')::date,
        '{}', v_bookings, v_bookings <> '{}', true, NULL);
END
$$;
REVOKE EXECUTE ON FUNCTION lock_scanned FROM PUBLIC;
GRANT EXECUTE ON FUNCTION lock_scanned TO app;
