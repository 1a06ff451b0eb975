-- Ends every link of the booking so far, and its calendar's address with them; the new generation of
-- links, or NULL: it is not theirs who act, or the generations are used up. An owner whose booking is
-- confirmed may change nothing else of the row, so this runs as its owner and asks itself who acts.
CREATE OR REPLACE FUNCTION revoke_manage_links(p_booking uuid) RETURNS integer
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
    UPDATE booking b
       SET link_generation = b.link_generation + 1, calendar_generation = b.calendar_generation + 1
     WHERE b.id = p_booking AND b.link_generation < 65535 AND b.calendar_generation < 65535
       AND (acts_as('MANAGER', 'SUPER_ADMIN')
            OR (acts_as('OWNER') AND (b.owner_hash = acting_owner() OR b.id = acting_booking())))
    RETURNING b.link_generation
$$;
REVOKE EXECUTE ON FUNCTION revoke_manage_links(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION revoke_manage_links(uuid) TO app;
