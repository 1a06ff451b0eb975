-- The guest's code of this number opens no door any more, and nobody's name stays with it. It asks who
-- acts, as issue_guest_ticket. False: there is none that stands.
CREATE OR REPLACE FUNCTION revoke_guest_ticket(p_booking uuid, p_number smallint) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    UPDATE guest_ticket g SET status = 'revoked', name = NULL
      FROM booking b
     WHERE b.id = p_booking AND g.booking_id = b.id AND g.number = p_number AND g.status = 'valid'
       AND (acts_as('MANAGER', 'SUPER_ADMIN')
            OR acts_as('OWNER') AND (b.owner_hash = acting_owner() OR b.id = acting_booking()));
    RETURN FOUND;
END
$$;
REVOKE EXECUTE ON FUNCTION revoke_guest_ticket FROM PUBLIC;
GRANT EXECUTE ON FUNCTION revoke_guest_ticket TO app;
