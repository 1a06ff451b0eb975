-- What a scan changed on its ticket, so that a supervisor can take it back; and the scans that a
-- supervisor let in against the rule.
ALTER TABLE scan
    ADD COLUMN direction       text NOT NULL DEFAULT 'in'
        CONSTRAINT scan_direction CHECK (direction IN ('in', 'out')),
    ADD COLUMN generation      smallint,  -- of the code that was shown; NULL: a reference
    ADD COLUMN guest_id        uuid,      -- the guest's ticket, when its own code was read
    ADD COLUMN admitted_change integer NOT NULL DEFAULT 0,
    ADD COLUMN gone_change     integer NOT NULL DEFAULT 0,
    ADD COLUMN extra_change    integer NOT NULL DEFAULT 0
        CONSTRAINT scan_extra_change CHECK (extra_change >= 0),
    ADD COLUMN overrides       uuid,      -- the scan of the same scanner that said no
    ADD COLUMN rules           text[],    -- the reasons that were broken
    ADD COLUMN undone_at       timestamptz,
    ADD COLUMN undone_by       text,      -- the actor
    ADD COLUMN undone_reason   text,      -- a word of a list
    ADD CONSTRAINT scan_is_undone_whole
        CHECK ((undone_at IS NULL) = (undone_by IS NULL)
               AND (undone_at IS NULL) = (undone_reason IS NULL)),
    ADD CONSTRAINT scan_is_overridden_once UNIQUE (scanner, overrides);
GRANT UPDATE (undone_at, undone_by, undone_reason) ON scan TO app;
-- A scanner marks its own (the supervisor's PIN is asked for on it); a manager anybody's.
CREATE POLICY undone_by_manager ON scan FOR UPDATE TO app
    USING ((SELECT acts_as('MANAGER', 'SUPER_ADMIN')) AND undone_at IS NULL)
    WITH CHECK ((SELECT acts_as('MANAGER', 'SUPER_ADMIN')) AND undone_at IS NOT NULL);
