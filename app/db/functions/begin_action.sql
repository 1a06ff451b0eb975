-- The first half of an action, sent in one message with BEGIN; asyncpg hands on no row of such a
-- message, so the facts are told in an INFO, which every client is sent. p: uid, role, action; caller, key, body_hash (hexadecimal); night, tables,
-- bookings, people, booking. Tells the facts, as lock_floor returns them.
CREATE OR REPLACE FUNCTION begin_action(p jsonb) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    RAISE INFO '%', lock_floor(
        p ->> 'uid', p ->> 'role', p ->> 'action', p ->> 'caller', p ->> 'key',
        decode(p ->> 'body_hash', 'hex'), (p ->> 'night')::date,
        ARRAY(SELECT value::integer FROM jsonb_array_elements_text(p -> 'tables')),
        ARRAY(SELECT value::uuid FROM jsonb_array_elements_text(p -> 'bookings')),
        (p ->> 'people')::boolean, (p ->> 'booking')::uuid);
END
$$;
