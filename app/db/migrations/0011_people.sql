-- Personal data that the database cannot read: each person's is sealed under a key of their own,
-- that key under one from outside the database, and found again by keyed digests. Destroying the
-- key destroys the data, in every backup too whose keys are erased after it is restored.

-- What stands here in plain text cannot be sealed by SQL, which has no key.
DO $$
BEGIN
    IF EXISTS (SELECT FROM person) AND NOT (SELECT demo FROM installation) THEN
        RAISE EXCEPTION 'This database holds the names of guests in plain text, which this version '
            'does not take over. Keep a list of the coming nights'' guests, then forget the names '
            'with the version before (UPDATE booking SET person_id = NULL; DELETE FROM person), '
            'and migrate again.';
    END IF;
END
$$;

-- A demo's made-up names go, with the file that held them.
UPDATE booking SET person_id = NULL WHERE person_id IS NOT NULL;
ALTER TABLE booking DROP CONSTRAINT booking_person_id_fkey;
DROP TABLE person;

CREATE TABLE person (
    id          uuid PRIMARY KEY,
    sealed      bytea,             -- AES-256-GCM of {name, phone, email}; NULL: erased
    name_index  bytea,             -- keyed digests of the one form of each (app/domain/contacts.py)
    email_index bytea,
    phone_index bytea,
    created_at  timestamptz NOT NULL DEFAULT now(),
    erased_at   timestamptz,
    CONSTRAINT person_is_sealed_or_erased CHECK ((erased_at IS NULL) = (sealed IS NOT NULL)),
    CONSTRAINT person_erased_is_not_found CHECK (
        erased_at IS NULL OR coalesce(name_index, email_index, phone_index) IS NULL)
);
CREATE INDEX person_email ON person (email_index) WHERE email_index IS NOT NULL;
CREATE INDEX person_phone ON person (phone_index) WHERE phone_index IS NOT NULL;
ALTER TABLE booking ADD FOREIGN KEY (person_id) REFERENCES person (id);

-- The person's key, wrapped by the outer key that `kid` names. Its own row, so that erasure is a
-- DELETE, and changing the outer key touches no data.
CREATE TABLE person_key (
    person_id uuid PRIMARY KEY REFERENCES person (id),
    kid       text NOT NULL,
    wrapped   bytea NOT NULL
);
CREATE INDEX person_key_kid ON person_key (kid);

-- A night's private key is wrapped as well. NULL: it is plain still, from before there were outer
-- keys, until `backroom migrate` or the next start wraps it.
ALTER TABLE signing_key ADD COLUMN kid text;
ALTER TABLE signing_key DROP CONSTRAINT signing_key_private;
ALTER TABLE signing_key ADD CONSTRAINT signing_key_private
    CHECK (kid IS NOT NULL OR length(private) = 32);

-- Who is not welcome. The indexes are copies: a ban outlives the erasure of the person's data, on
-- its own ground (docs/security.md), and must still be found at the door.
CREATE TABLE ban (
    id          uuid PRIMARY KEY,
    person_id   uuid NOT NULL REFERENCES person (id),
    booking_id  uuid REFERENCES booking (id),  -- the booking by which the person was named
    reason      text NOT NULL CONSTRAINT ban_reason CHECK (reason IN (
                    'violence', 'harassment', 'theft', 'damage', 'drugs', 'weapon', 'underage',
                    'fraud', 'other')),
    note        bytea,             -- sealed under the person's key
    until       timestamptz,       -- of the venue's clock; NULL: until it is lifted
    name_index  bytea,
    email_index bytea,
    phone_index bytea,
    added_by    text NOT NULL,
    added_at    timestamptz NOT NULL,
    lifted_by   text,
    lifted_at   timestamptz,
    edition     integer NOT NULL DEFAULT 0,
    CONSTRAINT ban_lifted CHECK ((lifted_at IS NULL) = (lifted_by IS NULL)),
    CONSTRAINT ban_lifted_is_not_found CHECK (
        lifted_at IS NULL OR coalesce(name_index, email_index, phone_index) IS NULL)
);
CREATE INDEX ban_person ON ban (person_id);
CREATE INDEX ban_name ON ban (name_index) WHERE lifted_at IS NULL;
CREATE INDEX ban_email ON ban (email_index) WHERE lifted_at IS NULL;
CREATE INDEX ban_phone ON ban (phone_index) WHERE lifted_at IS NULL;

-- Whether the bookings' people are banned, for the door: 'banned' when it is the same person, or
-- the same telephone or e-mail address; 'banned_name' when only the name is the same.
CREATE FUNCTION bans_of(p_bookings uuid[], p_now timestamptz) RETURNS jsonb LANGUAGE sql STABLE AS $$
    SELECT coalesce(jsonb_object_agg(id, CASE WHEN sure THEN 'banned' ELSE 'banned_name' END), '{}')
      FROM (SELECT b.id, bool_or(x.person_id = p.id OR x.phone_index = p.phone_index
                                 OR x.email_index = p.email_index) AS sure
              FROM booking b
              JOIN person p ON p.id = b.person_id
              JOIN ban x ON x.person_id = p.id OR x.phone_index = p.phone_index
                         OR x.email_index = p.email_index OR x.name_index = p.name_index
             WHERE b.id = ANY (p_bookings) AND x.lifted_at IS NULL
               AND (x.until IS NULL OR x.until > p_now)
             GROUP BY b.id) AS found
$$;

-- The same of somebody who is known by their digests alone, as a walk-in; NULL: welcome. It runs as
-- its owner, so that whoever is at the door is told this word and reads no ban.
CREATE FUNCTION ban_of(p_name bytea, p_email bytea, p_phone bytea) RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT CASE WHEN bool_or(x.phone_index = p_phone OR x.email_index = p_email) THEN 'banned'
                WHEN count(*) > 0 THEN 'banned_name' END
      FROM ban x
     WHERE x.lifted_at IS NULL AND (x.until IS NULL OR x.until > venue_now())
       AND (x.name_index = p_name OR x.email_index = p_email OR x.phone_index = p_phone)
$$;

-- Bans that are over need nobody found any more. It looks at the clock itself, so whoever tidies
-- reads no ban for it. Returns how many lost their digests.
CREATE FUNCTION forget_ended_bans() RETURNS integer LANGUAGE sql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
    WITH forgotten AS (
        UPDATE ban SET name_index = NULL, email_index = NULL, phone_index = NULL
         WHERE until <= venue_now()
           AND coalesce(name_index, email_index, phone_index) IS NOT NULL
        RETURNING id
    ) SELECT count(*)::integer FROM forgotten
$$;

REVOKE EXECUTE ON FUNCTION forget_ended_bans() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION forget_ended_bans() TO jobs;
REVOKE EXECUTE ON FUNCTION bans_of(uuid[], timestamptz) FROM PUBLIC;
REVOKE EXECUTE ON FUNCTION ban_of(bytea, bytea, bytea) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ban_of(bytea, bytea, bytea) TO app;
GRANT EXECUTE ON FUNCTION bans_of(uuid[], timestamptz) TO app;
GRANT SELECT, INSERT ON person, person_key, ban TO app;
GRANT UPDATE (sealed, name_index, email_index, phone_index, erased_at) ON person TO app;
GRANT DELETE ON person_key TO app;
GRANT UPDATE (lifted_at, lifted_by, edition, note, name_index, email_index, phone_index) ON ban TO app;

-- As before, and a scan learns whether the booking's person is banned.
CREATE OR REPLACE FUNCTION lock_floor(
    p_uid text, p_role text, p_action text,        -- who acts, and what the book will say made it
    p_caller text, p_key text, p_body_hash bytea,  -- the idempotency key; NULL: none
    p_night date, p_tables integer[], p_bookings uuid[], p_people boolean
) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    v_now      timestamptz;
    v_night    date := coalesce(p_night, (SELECT night FROM booking WHERE id = p_bookings[1]));
    v_tables   integer[];
    v_bookings uuid[];
    v_answered jsonb;
    v_bans     jsonb;
BEGIN
    PERFORM set_config('app.uid', p_uid, true), set_config('app.role', p_role, true),
            set_config('app.action', p_action, true);
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

    -- A booking's tables are locked before the booking itself; they may have changed while this
    -- waited, and then the whole transaction starts over.
    SELECT array_agg(DISTINCT number ORDER BY number) INTO v_tables FROM (
        SELECT unnest(p_tables) AS number
        UNION SELECT t.number FROM booking_table t WHERE t.live AND t.booking_id = ANY (p_bookings)
    ) AS wanted;
    PERFORM FROM floor_table f WHERE f.night = v_night AND f.number = ANY (v_tables)
        ORDER BY f.number FOR UPDATE;
    v_now := venue_now();

    -- Holds past their time end in the transaction that wants their table.
    SELECT array_agg(DISTINCT id ORDER BY id) INTO v_bookings FROM (
        SELECT unnest(p_bookings) AS id
        UNION
        SELECT b.id FROM booking b JOIN booking_table t ON t.booking_id = b.id
         WHERE t.live AND t.night = v_night AND t.number = ANY (v_tables)
           AND b.status = 'pending' AND b.hold_expires_at <= v_now
    ) AS wanted;
    PERFORM FROM booking b WHERE b.id = ANY (v_bookings) ORDER BY b.id FOR UPDATE;
    PERFORM FROM ticket k WHERE k.booking_id = ANY (p_bookings) ORDER BY k.id FOR UPDATE;
    IF p_people THEN
        PERFORM FROM headcount h WHERE h.night = v_night ORDER BY h.floor FOR UPDATE;
    END IF;
    IF EXISTS (SELECT FROM booking_table t
                WHERE t.live AND t.booking_id = ANY (p_bookings) AND t.number <> ALL (v_tables)) THEN
        RAISE EXCEPTION 'the booking moved meanwhile' USING ERRCODE = 'serialization_failure';
    END IF;

    IF p_action = 'scan' THEN
        v_bans := bans_of(p_bookings, v_now);
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
                'id', b.id, 'reference', b.reference, 'night', b.night, 'status', b.status,
                'party', b.party, 'slot_from', instant_text(lower(b.slot)),
                'slot_until', instant_text(upper(b.slot)), 'source', b.source,
                'owner_hash', encode(b.owner_hash, 'hex'), 'deposit_pence', b.deposit_pence,
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
