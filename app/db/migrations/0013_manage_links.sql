-- Manage links: a signed token per booking, never stored. Each says a generation; those of another
-- generation than the booking's count no more.

ALTER TABLE booking ADD COLUMN link_generation integer NOT NULL DEFAULT 1
    CONSTRAINT booking_link_generation CHECK (link_generation BETWEEN 1 AND 65535);

-- Ends every link of the booking so far; the new generation, or NULL: it is not theirs who act, or
-- the generations are used up. An owner whose booking is confirmed may change nothing else of the
-- row, so this runs as its owner and asks itself who acts.
CREATE FUNCTION revoke_manage_links(p_booking uuid) RETURNS integer LANGUAGE sql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
    UPDATE booking b SET link_generation = b.link_generation + 1
     WHERE b.id = p_booking AND b.link_generation < 65535
       AND (current_setting('app.role', true) IN ('MANAGER', 'SUPER_ADMIN')
            OR (current_setting('app.role', true) = 'OWNER'
                AND (encode(b.owner_hash, 'hex') = current_setting('app.uid', true)
                     OR b.id::text = current_setting('app.booking', true))))
    RETURNING b.link_generation
$$;
REVOKE EXECUTE ON FUNCTION revoke_manage_links(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION revoke_manage_links(uuid) TO app;
