-- Changes locked bookings, their claims and their tickets. No role of the service may update a
-- booking's night, party or slot by itself (docs/decisions.md, S3): only this may, and it asks who
-- acts. p: [{booking, and of these what changes: night, party, from, until, tables, deposit_pence,
-- refund_policy, wishes (hexadecimal), generation, admitted, gone, unscanned, extra, status}]. Claims that end are ended
-- before others begin, so that two parties can change places.
CREATE OR REPLACE FUNCTION change_bookings(p jsonb) RETURNS void LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    v_change  jsonb;
    v_booking uuid;
    v_tables  integer[];
    v_changed booking;
BEGIN
    FOR v_change IN SELECT value FROM jsonb_array_elements(p) LOOP
        v_booking := (v_change ->> 'booking')::uuid;
        v_tables := ARRAY(SELECT value::integer
                            FROM jsonb_array_elements_text(coalesce(v_change -> 'tables', '[]')));
        -- What was given up by a change is nobody's any more; what was given up by an end is kept
        -- as where the party was booked.
        IF v_change ->> 'status' = 'merged' THEN
            UPDATE booking_table SET live = false WHERE booking_id = v_booking AND live;
        ELSIF v_change ? 'night' THEN
            DELETE FROM booking_table WHERE booking_id = v_booking;
        ELSIF v_change ? 'tables' THEN
            DELETE FROM booking_table WHERE booking_id = v_booking AND number <> ALL (v_tables);
        END IF;
    END LOOP;
    FOR v_change IN SELECT value FROM jsonb_array_elements(p) LOOP
        v_booking := (v_change ->> 'booking')::uuid;
        UPDATE booking b
           SET night = coalesce((v_change ->> 'night')::date, b.night),
               party = coalesce((v_change ->> 'party')::integer, b.party),
               slot = tstzrange(coalesce((v_change ->> 'from')::timestamptz, lower(b.slot)),
                                coalesce((v_change ->> 'until')::timestamptz, upper(b.slot))),
               deposit_pence = coalesce((v_change ->> 'deposit_pence')::integer, b.deposit_pence),
               refund_policy = coalesce(v_change -> 'refund_policy', b.refund_policy),
               wishes = coalesce(decode(v_change ->> 'wishes', 'hex'), b.wishes),
               status = coalesce(v_change ->> 'status', b.status),
               overdue = b.overdue AND NOT (v_change ? 'from' OR v_change ? 'status'),
               edition = b.edition + 1
         WHERE b.id = v_booking
           AND (acts_as('MANAGER', 'SUPER_ADMIN')
                OR (acts_as('OWNER') AND b.status IN ('pending', 'confirmed')
                    AND NOT v_change ? 'status'
                    AND (b.owner_hash = acting_owner() OR b.id = acting_booking())))
        RETURNING b.* INTO v_changed;
        IF v_changed.id IS NULL THEN
            RAISE EXCEPTION 'this booking is not theirs who act' USING ERRCODE = 'insufficient_privilege';
        END IF;
        IF v_change ? 'tables' THEN
            INSERT INTO booking_table (booking_id, night, number, slot, live)
            SELECT v_booking, v_changed.night, value::integer, v_changed.slot, true
              FROM jsonb_array_elements_text(v_change -> 'tables')
                ON CONFLICT (booking_id, number)
                DO UPDATE SET live = true, slot = EXCLUDED.slot, night = EXCLUDED.night;
        END IF;
        IF v_change ? 'from' OR v_change ? 'until' THEN
            UPDATE booking_table SET slot = v_changed.slot WHERE booking_id = v_booking AND live;
        END IF;
        UPDATE ticket k
           SET night = v_changed.night,
               party = v_changed.party,
               generation = coalesce((v_change ->> 'generation')::smallint, k.generation),
               admitted = coalesce((v_change ->> 'admitted')::integer, k.admitted),
               gone = coalesce((v_change ->> 'gone')::integer, k.gone),
               extra = k.extra + coalesce((v_change ->> 'extra')::integer, 0),
               unscanned = k.unscanned + coalesce((v_change ->> 'unscanned')::integer, 0),
               status = CASE v_change ->> 'status' WHEN 'confirmed' THEN 'valid'
                                                   WHEN 'merged' THEN 'revoked'
                                                   ELSE k.status END
         WHERE k.booking_id = v_booking;
    END LOOP;
END
$$;
