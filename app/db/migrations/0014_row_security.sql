-- Row level security: who sees and who writes which rows of customers' data, whatever statement the
-- service sends. The rules of the code come first; these policies are the net below them.
-- docs/security.md has the table of it.
--
-- Who acts is told at the begin of each transaction (app/db/acting.py): app.uid, app.role,
-- app.caller and app.booking. Nobody told: no row. A setting that was ever set in a session is ''
-- and not NULL afterwards, hence NULLIF.

CREATE FUNCTION acts_as(VARIADIC roles text[]) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT NULLIF(current_setting('app.role', true), '') = ANY (roles)
$$;

-- The hash of the token of the owner who acts.
CREATE FUNCTION acting_owner() RETURNS bytea LANGUAGE sql STABLE AS $$
    SELECT CASE WHEN current_setting('app.role', true) = 'OWNER'
                 AND current_setting('app.uid', true) ~ '^[0-9a-f]{64}$'
                THEN decode(current_setting('app.uid', true), 'hex') END
$$;

-- The one booking of a manage link, or the one that a hold is about to make.
CREATE FUNCTION acting_booking() RETURNS uuid LANGUAGE sql STABLE AS $$
    SELECT NULLIF(current_setting('app.booking', true), '')::uuid
$$;

-- Whose scans and stored answers are meant: device:<id>, staff:<id>, owner:<12 digits>, public@...
CREATE FUNCTION acting_caller() RETURNS text LANGUAGE sql STABLE AS $$
    SELECT NULLIF(current_setting('app.caller', true), '')
$$;

-- A new booking is for a person of its own: nobody makes one to read somebody's name by it.
CREATE FUNCTION person_is_free(p_person uuid) RETURNS boolean LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT NOT EXISTS (SELECT FROM booking b WHERE b.person_id = p_person)
$$;
REVOKE EXECUTE ON FUNCTION person_is_free(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION person_is_free(uuid) TO app;

-- Unpaid holds past their time end, whoever's they are: it looks at the clock itself. Whose table
-- they blocked is not told. Returns how many of these ended.
CREATE FUNCTION expire_holds(p_bookings uuid[]) RETURNS integer LANGUAGE sql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
    WITH ended AS (
        UPDATE booking SET status = 'expired', hold_expires_at = NULL
         WHERE id = ANY (p_bookings) AND status = 'pending' AND hold_expires_at <= venue_now()
        RETURNING id
    ), freed AS (
        UPDATE booking_table t SET live = false
          FROM ended WHERE t.booking_id = ended.id AND t.live
    )
    SELECT count(*)::integer FROM ended
$$;
REVOKE EXECUTE ON FUNCTION expire_holds(uuid[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION expire_holds(uuid[]) TO app, jobs;

-- The bans of a person who was erased have no note, and digests only while they are in force; it
-- sees for itself that the person was. Returns whether one is in force.
CREATE FUNCTION forget_bans(p_person uuid) RETURNS boolean LANGUAGE sql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
    WITH forgotten AS (
        UPDATE ban b
           SET note = NULL,
               name_index = CASE WHEN f.now THEN b.name_index END,
               email_index = CASE WHEN f.now THEN b.email_index END,
               phone_index = CASE WHEN f.now THEN b.phone_index END
          FROM (SELECT id, lifted_at IS NULL AND (until IS NULL OR until > venue_now()) AS now
                  FROM ban WHERE person_id = p_person) AS f
         WHERE b.id = f.id
           AND EXISTS (SELECT FROM person p WHERE p.id = p_person AND p.erased_at IS NOT NULL)
        RETURNING f.now
    ) SELECT coalesce(bool_or(now), false) FROM forgotten
$$;
REVOKE EXECUTE ON FUNCTION forget_bans(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION forget_bans(uuid) TO app;

-- As before, and it runs as its owner: it has to see the claims of others on the tables wanted, and
-- tells of them what a claim is (until when, how many, in which state) and no reference.
DROP FUNCTION lock_floor(text, text, text, text, text, bytea, date, integer[], uuid[], boolean);
CREATE FUNCTION lock_floor(
    p_uid text, p_role text, p_action text,        -- who acts, and what the book will say made it
    p_caller text, p_key text, p_body_hash bytea,  -- the idempotency key; NULL: none
    p_night date, p_tables integer[], p_bookings uuid[], p_people boolean,
    p_booking uuid DEFAULT NULL  -- of a manage link, or the one that a hold is about to make
) RETURNS jsonb LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    v_now      timestamptz;
    v_night    date;
    v_own      uuid[] := p_bookings;  -- of the bookings asked for, those that the caller may act on
    v_tables   integer[];
    v_bookings uuid[];
    v_answered jsonb;
    v_bans     jsonb;
BEGIN
    PERFORM set_config('app.uid', p_uid, true), set_config('app.role', p_role, true),
            set_config('app.action', p_action, true),
            set_config('app.caller', coalesce(p_caller, ''), true),
            set_config('app.booking', coalesce(p_booking::text, ''), true);
    IF p_key IS NOT NULL THEN
        -- Waits for a twin request that holds the key, and then finds its answer.
        INSERT INTO idempotency (caller, key, body_hash) VALUES (p_caller, p_key, p_body_hash)
            ON CONFLICT DO NOTHING;
        IF NOT FOUND THEN
            SELECT jsonb_build_object('same', i.body_hash = p_body_hash, 'status', i.status,
                                      'answer', encode(i.answer, 'base64'))
              INTO v_answered FROM idempotency i WHERE i.caller = p_caller AND i.key = p_key;
            RETURN jsonb_build_object('answered', v_answered);
        END IF;
    END IF;

    -- This function sees every row, so it asks itself what the policies would say.
    IF NOT coalesce(acts_as('DEVICE', 'DOOR_STAFF', 'MANAGER', 'SUPER_ADMIN', 'SYSTEM'), false) THEN
        SELECT array_agg(b.id) INTO v_own FROM booking b
         WHERE b.id = ANY (p_bookings) AND acts_as('OWNER')
           AND (b.owner_hash = acting_owner() OR b.id = acting_booking());
    END IF;
    v_night := coalesce(p_night, (SELECT night FROM booking WHERE id = v_own[1]));

    -- A booking's tables are locked before the booking itself; they may have changed while this
    -- waited, and then the whole transaction starts over.
    SELECT array_agg(DISTINCT number ORDER BY number) INTO v_tables FROM (
        SELECT unnest(p_tables) AS number
        UNION SELECT t.number FROM booking_table t WHERE t.live AND t.booking_id = ANY (v_own)
    ) AS wanted;
    PERFORM FROM floor_table f WHERE f.night = v_night AND f.number = ANY (v_tables)
        ORDER BY f.number FOR UPDATE;
    v_now := venue_now();

    -- Holds past their time end in the transaction that wants their table.
    SELECT array_agg(DISTINCT id ORDER BY id) INTO v_bookings FROM (
        SELECT unnest(v_own) AS id
        UNION
        SELECT b.id FROM booking b JOIN booking_table t ON t.booking_id = b.id
         WHERE t.live AND t.night = v_night AND t.number = ANY (v_tables)
           AND b.status = 'pending' AND b.hold_expires_at <= v_now
    ) AS wanted;
    PERFORM FROM booking b WHERE b.id = ANY (v_bookings) ORDER BY b.id FOR UPDATE;
    PERFORM FROM ticket k WHERE k.booking_id = ANY (v_own) ORDER BY k.id FOR UPDATE;
    IF p_people THEN
        PERFORM FROM headcount h WHERE h.night = v_night ORDER BY h.floor FOR UPDATE;
    END IF;
    IF EXISTS (SELECT FROM booking_table t
                WHERE t.live AND t.booking_id = ANY (v_own) AND t.number <> ALL (v_tables)) THEN
        RAISE EXCEPTION 'the booking moved meanwhile' USING ERRCODE = 'serialization_failure';
    END IF;
    IF p_action = 'scan' THEN
        v_bans := bans_of(v_own, v_now);
    END IF;

    RETURN jsonb_build_object(
        'now', instant_text(v_now),
        'night', (SELECT jsonb_build_object(
                'date', n.date, 'name', n.name, 'status', n.status,
                'doors_at', instant_text(n.doors_at), 'last_entry_at', instant_text(n.last_entry_at),
                'closes_at', instant_text(n.closes_at), 'ends_at', instant_text(n.ends_at),
                'house_limit', n.house_limit, 'edition', n.edition)
            FROM night n WHERE n.date = v_night),
        'tables', (SELECT coalesce(jsonb_agg(jsonb_build_object(
                'number', f.number, 'floor', f.floor, 'capacity_min', f.capacity_min,
                'capacity_max', f.capacity_max, 'capacity_optimal', f.capacity_optimal,
                'deposit_pence', f.deposit_pence, 'minimum_spend_pence', f.minimum_spend_pence,
                'resetting', f.resetting,
                'claims', (SELECT coalesce(jsonb_agg(jsonb_build_object(
                            'booking_id', b.id, 'status', b.status, 'party', b.party,
                            'slot_from', instant_text(lower(t.slot)),
                            'slot_until', instant_text(upper(t.slot)),
                            'hold_expires_at', instant_text(b.hold_expires_at))
                        ORDER BY t.slot, b.id), '[]')
                    FROM booking_table t JOIN booking b ON b.id = t.booking_id
                   WHERE t.live AND t.night = f.night AND t.number = f.number),
                'blocks', (SELECT coalesce(jsonb_agg(jsonb_build_object(
                            'id', k.id, 'blocked_from', instant_text(lower(k.slot)),
                            'blocked_until', instant_text(upper(k.slot)), 'reason', k.reason,
                            'in_force', k.in_force) ORDER BY lower(k.slot), k.id), '[]')
                    FROM table_block k
                   WHERE NOT k.lifted AND k.night = f.night AND k.number = f.number))
                ORDER BY f.number), '[]')
            FROM floor_table f WHERE f.night = v_night AND f.number = ANY (v_tables)),
        'bookings', (SELECT coalesce(jsonb_agg(jsonb_build_object(
                'id', b.id,
                'reference', CASE WHEN b.id = ANY (v_own) THEN b.reference ELSE '' END, 'night', b.night, 'status', b.status,
                'party', b.party, 'slot_from', instant_text(lower(b.slot)),
                'slot_until', instant_text(upper(b.slot)), 'source', b.source,
                'deposit_pence', b.deposit_pence,
                'paid_pence', b.paid_pence, 'hold_expires_at', instant_text(b.hold_expires_at),
                'extended', b.extended,
                'ban', v_bans ->> b.id::text,
                'tables', (SELECT coalesce(jsonb_agg(t.number ORDER BY t.number), '[]')
                    FROM booking_table t
                   WHERE t.booking_id = b.id
                     AND (t.live OR b.status NOT IN ('pending', 'confirmed', 'seated'))),
                'ticket', (SELECT jsonb_build_object(
                        'id', k.id, 'generation', k.generation, 'status', k.status,
                        'party', k.party, 'admitted', k.admitted, 'gone', k.gone,
                        'last_scan_at', instant_text(k.last_scan_at),
                        'last_scan_door', k.last_scan_door)
                    FROM ticket k WHERE k.booking_id = b.id)) ORDER BY b.id), '[]')
            FROM booking b WHERE b.id = ANY (v_bookings)),
        'headcount', (SELECT coalesce(jsonb_agg(jsonb_build_object(
                'floor', h.floor, 'people', h.people, 'people_limit', h.people_limit)
                ORDER BY h.floor), '[]')
            FROM headcount h WHERE p_people AND h.night = v_night));
END
$$;
REVOKE EXECUTE ON FUNCTION lock_floor(text, text, text, text, text, bytea, date, integer[], uuid[], boolean, uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION lock_floor(text, text, text, text, text, bytea, date, integer[], uuid[], boolean, uuid) TO app, jobs;

-- As before, and it says whose stored answer and which booking are meant.
DROP FUNCTION begin_administration(text, text, text, text, text, bytea);
CREATE FUNCTION begin_administration(
    p_uid text, p_role text, p_action text, p_caller text, p_key text, p_body_hash bytea,
    p_booking uuid DEFAULT NULL
) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    v_answered jsonb;
BEGIN
    PERFORM set_config('app.uid', p_uid, true), set_config('app.role', p_role, true),
            set_config('app.action', p_action, true),
            set_config('app.caller', coalesce(p_caller, ''), true),
            set_config('app.booking', coalesce(p_booking::text, ''), true);
    IF p_key IS NOT NULL THEN
        -- Waits for a twin request that holds the key, and then finds its answer.
        INSERT INTO idempotency (caller, key, body_hash) VALUES (p_caller, p_key, p_body_hash)
            ON CONFLICT DO NOTHING;
        IF NOT FOUND THEN
            SELECT jsonb_build_object('same', i.body_hash = p_body_hash, 'status', i.status,
                                      'answer', encode(i.answer, 'base64'))
              INTO v_answered FROM idempotency i WHERE i.caller = p_caller AND i.key = p_key;
            RETURN jsonb_build_object('answered', v_answered);
        END IF;
    END IF;
    RETURN jsonb_build_object('now', instant_text(venue_now()));
END
$$;

-- What each connection may ask for at all. Nobody may give a booking another owner, person, night
-- or reference; only tidying deletes anything.
REVOKE UPDATE ON booking, booking_table, ticket FROM app;
GRANT UPDATE (status, paid_pence, hold_expires_at, extended) ON booking TO app;
GRANT UPDATE (live, slot) ON booking_table TO app;
GRANT UPDATE (status, admitted, gone, last_scan_at, last_scan_door) ON ticket TO app;
REVOKE INSERT, UPDATE ON night, floor_table, table_block, booking, booking_table, ticket, headcount
    FROM jobs;
GRANT UPDATE (status) ON night TO jobs;
GRANT UPDATE (in_force, lifted) ON table_block TO jobs;
GRANT UPDATE (status, hold_expires_at) ON booking TO jobs;
GRANT UPDATE (live) ON booking_table TO jobs;
GRANT UPDATE (status) ON ticket TO jobs;
GRANT UPDATE (people) ON headcount TO jobs;
REVOKE SELECT ON payment, scan, quarantined_scan, device FROM jobs;
REVOKE EXECUTE ON FUNCTION finish_action(jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION finish_action(jsonb) TO app, jobs, auth;

-- FORCE: the owner obeys policies too. The commands that run as it (migrate, verify, keys,
-- erasures) and the functions above may see all, and say so here, table by table.
DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['booking', 'booking_table', 'ticket', 'payment', 'scan', 'person',
                                'person_key', 'ban', 'quarantined_scan', 'idempotency']
    LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
        EXECUTE format('CREATE POLICY owner_all ON %I TO CURRENT_USER USING (true)', name);
    END LOOP;
END
$$;

-- booking: staff and devices look all up (there is no name in it); an owner sees their own.
CREATE POLICY seen_by_staff ON booking FOR SELECT TO app
    USING ((SELECT acts_as('MANAGER', 'SUPER_ADMIN', 'DOOR_STAFF', 'DEVICE')));
CREATE POLICY seen_by_owner ON booking FOR SELECT TO app
    USING ((SELECT acts_as('OWNER')) AND (owner_hash = (SELECT acting_owner())
                                          OR id = (SELECT acting_booking())));
CREATE POLICY held_by_anybody ON booking FOR INSERT TO app
    WITH CHECK (id = (SELECT acting_booking()) AND status = 'pending' AND paid_pence = 0
                AND source = CASE WHEN (SELECT acts_as('ANONYMOUS', 'OWNER', 'DEVICE')) THEN 'public'
                                  WHEN (SELECT acts_as('PENDING', 'DOOR_STAFF', 'MANAGER',
                                                       'SUPER_ADMIN')) THEN 'desk' END
                AND (person_id IS NULL OR person_is_free(person_id)));
CREATE POLICY walked_in ON booking FOR INSERT TO app
    WITH CHECK ((SELECT acts_as('DOOR_STAFF', 'MANAGER', 'SUPER_ADMIN'))
                AND source = 'walk_in' AND status = 'confirmed' AND paid_pence = 0
                AND (person_id IS NULL OR person_is_free(person_id)));
CREATE POLICY changed_by_manager ON booking FOR UPDATE TO app
    USING ((SELECT acts_as('MANAGER', 'SUPER_ADMIN')));
CREATE POLICY changed_at_door ON booking FOR UPDATE TO app
    USING ((SELECT acts_as('DOOR_STAFF')) AND status IN ('confirmed', 'seated'))
    WITH CHECK ((SELECT acts_as('DOOR_STAFF')) AND status IN ('seated', 'completed'));
CREATE POLICY changed_by_owner ON booking FOR UPDATE TO app
    USING ((SELECT acts_as('OWNER')) AND status IN ('pending', 'confirmed')
           AND (owner_hash = (SELECT acting_owner()) OR id = (SELECT acting_booking())))
    WITH CHECK ((SELECT acts_as('OWNER')) AND status IN ('pending', 'cancelled', 'released')
                AND (owner_hash = (SELECT acting_owner()) OR id = (SELECT acting_booking())));
CREATE POLICY seen_by_time ON booking FOR SELECT TO jobs USING ((SELECT acts_as('SYSTEM')));
CREATE POLICY ended_by_time ON booking FOR UPDATE TO jobs
    USING ((SELECT acts_as('SYSTEM')) AND status IN ('pending', 'confirmed', 'seated'))
    WITH CHECK ((SELECT acts_as('SYSTEM')) AND status IN ('expired', 'no_show', 'completed'));

-- booking_table: as its booking, which is looked up for an owner alone: hence CASE, here and below.
CREATE POLICY seen ON booking_table FOR SELECT TO app
    USING (CASE WHEN (SELECT acts_as('MANAGER', 'SUPER_ADMIN', 'DOOR_STAFF', 'DEVICE')) THEN true
                WHEN (SELECT acts_as('OWNER'))
                THEN EXISTS (SELECT FROM booking b WHERE b.id = booking_id) END);
CREATE POLICY claimed_with_hold ON booking_table FOR INSERT TO app
    WITH CHECK (booking_id = (SELECT acting_booking()) AND live
                AND (SELECT acts_as('ANONYMOUS', 'OWNER', 'DEVICE', 'PENDING', 'DOOR_STAFF',
                                    'MANAGER', 'SUPER_ADMIN')));
CREATE POLICY claimed_by_staff ON booking_table FOR INSERT TO app
    WITH CHECK ((SELECT acts_as('DOOR_STAFF', 'MANAGER', 'SUPER_ADMIN')) AND live);
CREATE POLICY changed_by_manager ON booking_table FOR UPDATE TO app
    USING ((SELECT acts_as('MANAGER', 'SUPER_ADMIN')));
CREATE POLICY released_at_door ON booking_table FOR UPDATE TO app
    USING ((SELECT acts_as('DOOR_STAFF'))) WITH CHECK ((SELECT acts_as('DOOR_STAFF')) AND NOT live);
CREATE POLICY released_by_owner ON booking_table FOR UPDATE TO app
    USING ((SELECT acts_as('OWNER')) AND EXISTS (SELECT FROM booking b WHERE b.id = booking_id))
    WITH CHECK ((SELECT acts_as('OWNER')) AND NOT live);
CREATE POLICY seen_by_time ON booking_table FOR SELECT TO jobs USING ((SELECT acts_as('SYSTEM')));
CREATE POLICY released_by_time ON booking_table FOR UPDATE TO jobs
    USING ((SELECT acts_as('SYSTEM'))) WITH CHECK ((SELECT acts_as('SYSTEM')) AND NOT live);

-- ticket: the door counts, and voids none; an owner voids their own by cancelling.
CREATE POLICY seen ON ticket FOR SELECT TO app
    USING (CASE WHEN (SELECT acts_as('MANAGER', 'SUPER_ADMIN', 'DOOR_STAFF', 'DEVICE')) THEN true
                WHEN (SELECT acts_as('OWNER'))
                THEN EXISTS (SELECT FROM booking b WHERE b.id = booking_id) END);
CREATE POLICY issued_by_staff ON ticket FOR INSERT TO app
    WITH CHECK ((SELECT acts_as('DOOR_STAFF', 'MANAGER', 'SUPER_ADMIN')) AND status = 'valid');
CREATE POLICY changed_by_manager ON ticket FOR UPDATE TO app
    USING ((SELECT acts_as('MANAGER', 'SUPER_ADMIN')));
CREATE POLICY counted_at_door ON ticket FOR UPDATE TO app
    USING ((SELECT acts_as('DOOR_STAFF', 'DEVICE')) AND status = 'valid')
    WITH CHECK ((SELECT acts_as('DOOR_STAFF', 'DEVICE')) AND status = 'valid');
CREATE POLICY voided_by_owner ON ticket FOR UPDATE TO app
    USING ((SELECT acts_as('OWNER')) AND EXISTS (SELECT FROM booking b WHERE b.id = booking_id))
    WITH CHECK ((SELECT acts_as('OWNER')) AND status = 'revoked');
CREATE POLICY seen_by_time ON ticket FOR SELECT TO jobs USING ((SELECT acts_as('SYSTEM')));
CREATE POLICY voided_by_time ON ticket FOR UPDATE TO jobs
    USING ((SELECT acts_as('SYSTEM'))) WITH CHECK ((SELECT acts_as('SYSTEM')) AND status = 'revoked');

-- payment: taken in the name of who takes it, and never changed.
CREATE POLICY seen ON payment FOR SELECT TO app
    USING (CASE WHEN (SELECT acts_as('MANAGER', 'SUPER_ADMIN')) THEN true
                WHEN (SELECT acts_as('OWNER'))
                THEN EXISTS (SELECT FROM booking b WHERE b.id = booking_id) END);
CREATE POLICY taken_by_manager ON payment FOR INSERT TO app
    WITH CHECK ((SELECT acts_as('MANAGER', 'SUPER_ADMIN'))
                AND taken_by = 'staff:' || current_setting('app.uid', true));

-- scan: a scanner's own; managers read all, and add the ones of quarantine that they accepted.
CREATE POLICY own ON scan TO app
    USING (scanner = (SELECT acting_caller())
           AND (SELECT acts_as('DEVICE', 'DOOR_STAFF', 'MANAGER', 'SUPER_ADMIN')));
CREATE POLICY seen_by_manager ON scan FOR SELECT TO app
    USING ((SELECT acts_as('MANAGER', 'SUPER_ADMIN')));
CREATE POLICY accepted_later ON scan FOR INSERT TO app
    WITH CHECK ((SELECT acts_as('MANAGER', 'SUPER_ADMIN'))
                AND EXISTS (SELECT FROM quarantined_scan q
                             WHERE 'device:' || q.device_id = scanner AND q.scan_id = scan.scan_id
                               AND q.resolution = 'accept'));

-- person: made with a booking; seen by staff, by the owner, and at the door while the night is open.
CREATE POLICY seen ON person FOR SELECT TO app
    USING (CASE WHEN (SELECT acts_as('MANAGER', 'SUPER_ADMIN', 'DOOR_STAFF')) THEN true
                WHEN (SELECT acts_as('OWNER'))
                THEN EXISTS (SELECT FROM booking b WHERE b.person_id = person.id)
                WHEN (SELECT acts_as('DEVICE'))
                THEN EXISTS (SELECT FROM booking b JOIN night n ON n.date = b.night
                              WHERE b.person_id = person.id AND n.status = 'open') END);
CREATE POLICY made_with_booking ON person FOR INSERT TO app
    WITH CHECK ((SELECT acts_as('ANONYMOUS', 'OWNER', 'DEVICE', 'PENDING', 'DOOR_STAFF', 'MANAGER',
                                'SUPER_ADMIN')));
CREATE POLICY erased_by_admin ON person FOR UPDATE TO app USING ((SELECT acts_as('SUPER_ADMIN')));
CREATE POLICY erased_by_owner ON person FOR UPDATE TO app
    USING ((SELECT acts_as('OWNER')) AND EXISTS (SELECT FROM booking b WHERE b.person_id = person.id));

-- person_key: as the person; it is made with them and goes with them.
CREATE POLICY seen_with_person ON person_key FOR SELECT TO app
    USING (CASE WHEN (SELECT acts_as('MANAGER', 'SUPER_ADMIN', 'DOOR_STAFF')) THEN true
                WHEN (SELECT acts_as('OWNER', 'DEVICE'))
                THEN EXISTS (SELECT FROM person p WHERE p.id = person_id) END);
CREATE POLICY made_with_person ON person_key FOR INSERT TO app
    WITH CHECK ((SELECT acts_as('ANONYMOUS', 'OWNER', 'DEVICE', 'PENDING', 'DOOR_STAFF', 'MANAGER',
                                'SUPER_ADMIN')));
CREATE POLICY erased_by_admin ON person_key FOR DELETE TO app
    USING ((SELECT acts_as('SUPER_ADMIN')));
CREATE POLICY erased_by_owner ON person_key FOR DELETE TO app
    USING ((SELECT acts_as('OWNER'))
           AND EXISTS (SELECT FROM booking b WHERE b.person_id = person_key.person_id));

-- ban: managers' alone; the door is told by lock_floor and ban_of. Who is meant may read it.
CREATE POLICY kept_by_manager ON ban TO app USING ((SELECT acts_as('MANAGER', 'SUPER_ADMIN')));
CREATE POLICY seen_by_owner ON ban FOR SELECT TO app
    USING ((SELECT acts_as('OWNER'))
           AND EXISTS (SELECT FROM booking b WHERE b.person_id = ban.person_id));
REVOKE EXECUTE ON FUNCTION bans_of(uuid[], timestamptz) FROM app;

-- quarantined_scan: what a device whose token is over sends, and that device reads only its own;
-- managers resolve it.
CREATE POLICY own ON quarantined_scan FOR SELECT TO app
    USING ((SELECT acts_as('REVOKED')) AND 'device:' || device_id = (SELECT acting_caller()));
CREATE POLICY left_by_device ON quarantined_scan FOR INSERT TO app
    WITH CHECK ((SELECT acts_as('REVOKED')) AND resolved_at IS NULL AND counted = 0
                AND 'device:' || device_id = (SELECT acting_caller()));
CREATE POLICY seen_by_manager ON quarantined_scan FOR SELECT TO app
    USING ((SELECT acts_as('MANAGER', 'SUPER_ADMIN')));
CREATE POLICY resolved_by_manager ON quarantined_scan FOR UPDATE TO app
    USING ((SELECT acts_as('MANAGER', 'SUPER_ADMIN')));

-- idempotency: the answers to a caller are that caller's; a day later they are swept away.
CREATE POLICY own ON idempotency TO app, auth USING (caller = (SELECT acting_caller()));
CREATE POLICY swept ON idempotency FOR SELECT TO jobs
    USING (created_at < now() - interval '24 hours');
CREATE POLICY swept_away ON idempotency FOR DELETE TO jobs
    USING (created_at < now() - interval '24 hours');
