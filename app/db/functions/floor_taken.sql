-- A night's tables with their offers and the times at which they are taken: what everybody may know.
-- Read without a lock, to see whether an offer or a place on the waitlist makes sense; what comes of
-- it is judged again under the locks. NULL: no such night, or it is sealed.
CREATE OR REPLACE FUNCTION floor_taken(p_night date) RETURNS jsonb LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT jsonb_build_object(
        'now', instant_text(venue_now()),
        'doors_at', instant_text(n.doors_at), 'last_entry_at', instant_text(n.last_entry_at),
        'closes_at', instant_text(n.closes_at),
        'tables', (SELECT jsonb_agg(jsonb_build_object(
                'number', f.number, 'capacity_min', f.capacity_min, 'capacity_max', f.capacity_max,
                'capacity_optimal', f.capacity_optimal, 'deposit_pence', f.deposit_pence,
                'minimum_spend_pence', f.minimum_spend_pence,
                'taken', (SELECT coalesce(jsonb_agg(jsonb_build_array(
                            instant_text(lower(slot)), instant_text(upper(slot)))), '[]')
                    FROM (SELECT t.slot FROM booking_table t JOIN booking b ON b.id = t.booking_id
                           WHERE t.live AND t.night = f.night AND t.number = f.number
                             AND NOT (b.status = 'pending' AND b.hold_expires_at <= venue_now())
                          UNION ALL
                          SELECT k.slot FROM table_block k
                           WHERE NOT k.lifted AND k.night = f.night AND k.number = f.number
                         ) AS claims)))
            FROM floor_table f WHERE f.night = n.date))
      FROM night n WHERE n.date = p_night AND n.status = 'open'
$$;
