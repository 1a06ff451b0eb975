-- What a message says, for the worker that has it under this lease: of its person, its booking and its
-- ticket, all as they are now, and of the dates of its series that it names. It runs as its owner,
-- because the role that sends sees no person and no key of the codes; of whom it has no message in its
-- hands it learns nothing. Without a lease a manager may ask, to read it. What is sealed stays sealed. NULL: the lease is over, or another's.
CREATE OR REPLACE FUNCTION message_facts(p_message uuid, p_lease uuid) RETURNS jsonb
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT jsonb_build_object(
        'now', instant_text(venue_now()),
        'details', o.details,
        'too_late', o.useful_until IS NOT NULL AND o.useful_until <= venue_now(),
        'overtaken', EXISTS (SELECT FROM outbox n
                              WHERE n.person_id = o.person_id AND n.channel = o.channel
                                AND n.status = 'waiting' AND n.number > o.number
                                AND n.kind = o.kind AND n.booking_id = o.booking_id
                                AND o.kind = 'changed'),
        'person_id', o.person_id,
        'sealed', translate(encode(p.sealed, 'base64'), E'\n', ''),
        'wrapped', translate(encode(k.wrapped, 'base64'), E'\n', ''),
        'booking', of.booking, 'series', of.series)
      FROM outbox o
      JOIN person p ON p.id = o.person_id
      LEFT JOIN person_key k ON k.person_id = p.id
      LEFT JOIN LATERAL (
          SELECT jsonb_agg(told.it) FILTER (WHERE told.id = o.booking_id) -> 0 AS booking,
                 coalesce(jsonb_agg(told.it ORDER BY told.night) FILTER (
                     WHERE o.details -> 'bookings' ? told.id::text), '[]') AS series
            FROM (SELECT b.id, b.night, jsonb_build_object(
                  'id', b.id, 'reference', b.reference, 'night', b.night, 'night_name', n.name,
                  'status', b.status, 'party', b.party, 'edition', b.edition,
                  'slot_from', instant_text(lower(b.slot)), 'slot_until', instant_text(upper(b.slot)),
                  'last_entry_at', instant_text(n.last_entry_at), 'ends_at', instant_text(n.ends_at),
                  'deposit_pence', b.deposit_pence, 'paid_pence', b.paid_pence,
                  'created_at', instant_text(b.created_at),
                  'link_generation', b.link_generation,
                  'calendar_generation', b.calendar_generation,
                  'tables', (SELECT coalesce(jsonb_agg(t.number ORDER BY t.number), '[]')
                               FROM booking_table t
                              WHERE t.booking_id = b.id
                                AND (t.live OR b.status NOT IN ('pending', 'confirmed', 'seated'))),
                  'ticket', (SELECT jsonb_build_object(
                          'ticket_id', t.id, 'generation', t.generation, 'party', t.party,
                          'status', t.status, 'night', t.night, 'key_id', s.key_id,
                          'private', translate(encode(s.private, 'base64'), E'\n', ''))
                      FROM ticket t JOIN signing_key s ON s.night = t.night
                     WHERE t.booking_id = b.id)) AS it
                    FROM (SELECT o.booking_id AS id UNION
                          SELECT t.id::uuid
                            FROM jsonb_array_elements_text(o.details -> 'bookings') AS t (id)) AS w
                    JOIN booking b ON b.id = w.id
                    JOIN night n ON n.date = b.night
                   WHERE b.id = o.booking_id
                      OR b.series = (SELECT f.series FROM booking f WHERE f.id = o.booking_id)
                 ) AS told) AS of ON true
     WHERE o.id = p_message
       AND CASE WHEN p_lease IS NULL THEN acts_as('MANAGER', 'SUPER_ADMIN')
                ELSE o.status = 'waiting' AND o.lease = p_lease
                     AND o.lease_until > clock_timestamp() END
$$;
REVOKE EXECUTE ON FUNCTION message_facts(uuid, uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION message_facts(uuid, uuid) TO app, jobs;
