-- The booking's valid ticket has a code of this later generation; every earlier code is void. It asks
-- who acts: a manager, or the booking's owner. False: it has this generation, or a later one, already.
CREATE OR REPLACE FUNCTION reissue_ticket(p_booking uuid, p_generation smallint) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    UPDATE ticket k SET generation = p_generation
      FROM booking b
     WHERE b.id = p_booking AND k.booking_id = b.id AND k.status = 'valid'
       AND k.generation < p_generation
       AND (acts_as('MANAGER', 'SUPER_ADMIN')
            OR acts_as('OWNER') AND (b.owner_hash = acting_owner() OR b.id = acting_booking()));
    RETURN FOUND;
END
$$;
