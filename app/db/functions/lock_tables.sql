-- Locks tables of several nights in the one order (by night, then number): those of the pairs given
-- and those that the bookings claim. What needs two nights locks all its tables by this before it
-- locks any booking; locking night after night would let two such actions wait for each other. It
-- tells nothing.
CREATE OR REPLACE FUNCTION lock_tables(p_bookings uuid[], p_nights date[], p_numbers integer[])
RETURNS void LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT FROM floor_table f
     WHERE (f.night, f.number) IN (
               SELECT * FROM unnest(p_nights, p_numbers)
               UNION SELECT t.night, t.number FROM booking_table t
                      WHERE t.live AND t.booking_id = ANY (p_bookings))
     ORDER BY f.night, f.number FOR UPDATE
$$;
