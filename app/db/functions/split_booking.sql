-- A part of a locked booking becomes one of its own: the same guest, night, slot, source and refund
-- policy, and no money. p: booking, into, reference, party, tables, status, ticket, generation,
-- admitted, at, wishes (hexadecimal; sealed for the new booking; NULL: none).
CREATE OR REPLACE FUNCTION split_booking(p jsonb) RETURNS void LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    INSERT INTO booking (id, reference, night, status, party, slot, source, person_id, wishes,
                         deposit_pence, created_at, refund_policy)
    SELECT (p ->> 'into')::uuid, p ->> 'reference', b.night, p ->> 'status',
           (p ->> 'party')::integer, b.slot, b.source, b.person_id,
           decode(p ->> 'wishes', 'hex'), 0, (p ->> 'at')::timestamptz, b.refund_policy
      FROM booking b
     WHERE b.id = (p ->> 'booking')::uuid AND acts_as('MANAGER', 'SUPER_ADMIN');
    IF NOT FOUND THEN
        RAISE EXCEPTION 'only a manager splits a booking' USING ERRCODE = 'insufficient_privilege';
    END IF;
    INSERT INTO booking_table (booking_id, night, number, slot, live)
    SELECT b.id, b.night, value::integer, b.slot, true
      FROM booking b, jsonb_array_elements_text(p -> 'tables') WHERE b.id = (p ->> 'into')::uuid;
    INSERT INTO ticket (id, booking_id, night, generation, party, admitted, unscanned)
    SELECT (p ->> 'ticket')::uuid, b.id, b.night, (p ->> 'generation')::smallint, b.party,
           (p ->> 'admitted')::integer, (p ->> 'admitted')::integer
      FROM booking b WHERE b.id = (p ->> 'into')::uuid;
END
$$;
