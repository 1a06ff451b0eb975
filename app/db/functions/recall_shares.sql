-- Leases on the tickets of these bookings are asked to give them back. It runs as its owner, since a
-- guest who cancels and another door's tablet have to recall what a third one holds; it asks itself
-- whether the caller may act on the booking. Returns what is still held: whether it was asked for
-- before, by which door, and since when nothing was heard of the device.
CREATE OR REPLACE FUNCTION recall_shares(p_bookings uuid[]) RETURNS jsonb LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    v_held jsonb;
BEGIN
    WITH held AS (
        SELECT s.lease_id, s.ticket_id, s.booking_id, s.recalled_at IS NOT NULL AS recalled, l.door,
               l.device_id, extract(epoch FROM clock_timestamp() - l.heard_at)::integer AS silent
          FROM lease_ticket s JOIN lease l ON l.id = s.lease_id
         WHERE s.booking_id = ANY (p_bookings) AND s.stated IS NULL AND NOT s.released
           AND (acts_as('DEVICE', 'DOOR_STAFF', 'MANAGER', 'SUPER_ADMIN', 'SYSTEM')
                OR EXISTS (SELECT FROM booking b WHERE b.id = s.booking_id AND acts_as('OWNER')
                              AND (b.owner_hash = acting_owner() OR b.id = acting_booking())))
    ), asked AS (
        UPDATE lease_ticket s SET recalled_at = clock_timestamp()
          FROM held h
         WHERE NOT h.recalled AND s.lease_id = h.lease_id AND s.ticket_id = h.ticket_id
    ) SELECT coalesce(jsonb_agg(jsonb_build_object(
            'lease_id', lease_id, 'ticket_id', ticket_id, 'booking_id', booking_id, 'door', door,
            'device_id', device_id, 'recalled', recalled, 'silent_seconds', silent)
            ORDER BY lease_id, ticket_id), '[]')
        INTO v_held FROM held;
    RETURN v_held;
END
$$;
REVOKE EXECUTE ON FUNCTION recall_shares(uuid[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION recall_shares(uuid[]) TO app;
