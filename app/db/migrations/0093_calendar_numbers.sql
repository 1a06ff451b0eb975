-- The number of a booking's entry in a calendar is made of the booking as it is when it is told, in messages
-- as in feeds. How many messages carried the entry is asked no more.

DROP FUNCTION IF EXISTS calendar_sequence(uuid, jsonb);
ALTER TABLE outbox DROP COLUMN sequence;
