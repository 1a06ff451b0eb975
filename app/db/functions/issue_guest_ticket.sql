-- The number of the booking's party has a guest's ticket of this generation; an earlier one of the number
-- keeps its id and what it counted. It asks who acts, as reissue_ticket. False: the booking's ticket does
-- not stand, the party has no such number, or the number has this generation already.
CREATE OR REPLACE FUNCTION issue_guest_ticket(
    p_booking uuid, p_number smallint, p_id uuid, p_generation smallint, p_name bytea
) RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    INSERT INTO guest_ticket AS g (id, booking_id, number, generation, name)
    SELECT p_id, b.id, p_number, p_generation, p_name
      FROM booking b JOIN ticket k ON k.booking_id = b.id
     WHERE b.id = p_booking AND k.status = 'valid' AND p_number BETWEEN 1 AND k.party
       AND (acts_as('MANAGER', 'SUPER_ADMIN')
            OR acts_as('OWNER') AND (b.owner_hash = acting_owner() OR b.id = acting_booking()))
        ON CONFLICT (booking_id, number)
        DO UPDATE SET generation = EXCLUDED.generation, status = 'valid', name = EXCLUDED.name
                WHERE g.id = EXCLUDED.id AND g.generation < EXCLUDED.generation;
    RETURN FOUND;
END
$$;
REVOKE EXECUTE ON FUNCTION issue_guest_ticket FROM PUBLIC;
GRANT EXECUTE ON FUNCTION issue_guest_ticket TO app;
