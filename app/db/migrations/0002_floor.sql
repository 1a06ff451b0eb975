-- Nights, tables, bookings, claims, tickets and people inside.

CREATE TABLE night (
    date             date PRIMARY KEY,  -- the business date, 06:00 to 06:00 at the venue
    name             text NOT NULL,
    status           text NOT NULL DEFAULT 'open' CONSTRAINT night_status CHECK (status IN ('open', 'sealed')),
    doors_at         timestamptz NOT NULL,
    last_entry_at    timestamptz NOT NULL,
    closes_at        timestamptz NOT NULL,
    ends_at          timestamptz NOT NULL,  -- when the business date is over: it seals itself
    house_limit      integer NOT NULL CONSTRAINT night_house_limit CHECK (house_limit > 0),
    edition          integer NOT NULL DEFAULT 0,
    CONSTRAINT night_hours CHECK (doors_at <= last_entry_at AND last_entry_at <= closes_at AND closes_at <= ends_at)
);

-- The tables as one night offers them, and their physical state. What is reserved or occupied is
-- derived from the claims; only "waits to be laid" is a fact of the table itself.
CREATE TABLE floor_table (
    night               date NOT NULL REFERENCES night (date),
    number              integer NOT NULL CONSTRAINT floor_table_number CHECK (number BETWEEN 1 AND 16),
    floor               text NOT NULL CONSTRAINT floor_table_floor CHECK (floor IN ('upstairs', 'downstairs')),
    capacity_min        integer NOT NULL,
    capacity_max        integer NOT NULL,
    capacity_optimal    integer NOT NULL,
    deposit_pence       integer NOT NULL CONSTRAINT floor_table_deposit CHECK (deposit_pence >= 0),
    minimum_spend_pence integer NOT NULL CONSTRAINT floor_table_minimum_spend CHECK (minimum_spend_pence >= 0),
    resetting           boolean NOT NULL DEFAULT false,  -- waits to be laid again
    PRIMARY KEY (night, number),
    CONSTRAINT floor_table_capacity CHECK (0 < capacity_min AND capacity_min <= capacity_optimal AND capacity_optimal <= capacity_max)
);

CREATE TABLE table_block (
    id       uuid PRIMARY KEY,
    night    date NOT NULL,
    number   integer NOT NULL,
    slot     tstzrange NOT NULL CONSTRAINT table_block_slot CHECK (NOT isempty(slot)),
    reason   text NOT NULL CONSTRAINT table_block_reason CHECK (reason IN ('maintenance', 'spill', 'broken', 'safety', 'club_use', 'other')),
    in_force boolean NOT NULL,
    lifted   boolean NOT NULL DEFAULT false,
    FOREIGN KEY (night, number) REFERENCES floor_table (night, number)
);
CREATE INDEX table_block_of_night ON table_block (night, number) WHERE NOT lifted;

-- People's own data, apart from everything else. Nothing but the guest lists reads it.
CREATE TABLE person (
    id    uuid PRIMARY KEY,
    name  text NOT NULL CONSTRAINT person_name CHECK (length(name) BETWEEN 1 AND 120),
    phone text,
    email text
);

CREATE TABLE booking (
    id              uuid PRIMARY KEY,
    reference       text NOT NULL CONSTRAINT booking_reference_is_unique UNIQUE,
    night           date NOT NULL REFERENCES night (date),
    status          text NOT NULL CONSTRAINT booking_status CHECK (status IN ('pending', 'confirmed', 'seated', 'completed', 'cancelled', 'no_show', 'expired', 'released')),
    party           integer NOT NULL CONSTRAINT booking_party CHECK (party BETWEEN 1 AND 100),
    slot            tstzrange NOT NULL CONSTRAINT booking_slot CHECK (NOT isempty(slot)),
    source          text NOT NULL CONSTRAINT booking_source CHECK (source IN ('public', 'desk', 'walk_in')),
    person_id       uuid REFERENCES person (id),
    owner_hash      bytea,            -- SHA-256 of the token that its customer holds
    deposit_pence   integer NOT NULL CONSTRAINT booking_deposit CHECK (deposit_pence >= 0),
    paid_pence      integer NOT NULL DEFAULT 0 CONSTRAINT booking_paid CHECK (paid_pence >= 0),
    hold_expires_at timestamptz,      -- set while pending
    extended        boolean NOT NULL DEFAULT false,
    created_at      timestamptz NOT NULL,
    CONSTRAINT booking_hold CHECK ((status = 'pending') = (hold_expires_at IS NOT NULL))
);
CREATE INDEX booking_of_night ON booking (night, status);
CREATE INDEX booking_hold_end ON booking (hold_expires_at) WHERE status = 'pending';
CREATE INDEX booking_owner ON booking (owner_hash) WHERE owner_hash IS NOT NULL;
CREATE INDEX booking_person ON booking (person_id) WHERE person_id IS NOT NULL;

-- A booking's claim to one table for its slot. The exclusion constraint is the last word against
-- two live claims that overlap; claims first lock their tables in ascending number, because
-- competing inserts on the constraint alone wait for each other until deadlock_timeout (p95 13 s
-- for two tables, against 3 to 8 ms with the locks). int4range makes the number indexable by the
-- core GiST operator class, without the btree_gist extension.
CREATE TABLE booking_table (
    booking_id uuid NOT NULL REFERENCES booking (id),
    night      date NOT NULL,
    number     integer NOT NULL,
    slot       tstzrange NOT NULL CONSTRAINT booking_table_slot CHECK (NOT isempty(slot)),
    live       boolean NOT NULL,
    PRIMARY KEY (booking_id, number),
    FOREIGN KEY (night, number) REFERENCES floor_table (night, number),
    CONSTRAINT claims_do_not_overlap EXCLUDE USING gist
        (int4range(number, number, '[]') WITH &&, slot WITH &&) WHERE (live)
);
CREATE INDEX booking_table_of_night ON booking_table (night, number) WHERE live;

CREATE TABLE payment (
    id           uuid PRIMARY KEY,
    booking_id   uuid NOT NULL REFERENCES booking (id),
    amount_pence integer NOT NULL CONSTRAINT payment_amount CHECK (amount_pence > 0),
    method       text NOT NULL CONSTRAINT payment_method CHECK (method IN ('cash', 'card')),
    taken_by     text NOT NULL,
    at           timestamptz NOT NULL
);
CREATE INDEX payment_of_booking ON payment (booking_id);

-- The key that signs a night's codes.
CREATE TABLE signing_key (
    night   date PRIMARY KEY REFERENCES night (date),
    key_id  smallint NOT NULL CONSTRAINT signing_key_id CHECK (key_id BETWEEN 0 AND 255),
    private bytea NOT NULL CONSTRAINT signing_key_private CHECK (length(private) = 32),
    public  bytea NOT NULL CONSTRAINT signing_key_public CHECK (length(public) = 32)
);

-- The right to enter. Its code is minted from these columns and the night's key, never stored.
CREATE TABLE ticket (
    id            uuid PRIMARY KEY,
    booking_id    uuid NOT NULL CONSTRAINT ticket_of_booking UNIQUE REFERENCES booking (id),
    night         date NOT NULL REFERENCES night (date),
    generation    smallint NOT NULL DEFAULT 1 CONSTRAINT ticket_generation CHECK (generation BETWEEN 1 AND 255),
    status        text NOT NULL DEFAULT 'valid' CONSTRAINT ticket_status CHECK (status IN ('valid', 'revoked')),
    party         integer NOT NULL,
    admitted      integer NOT NULL DEFAULT 0,  -- people of the party who ever came in
    gone          integer NOT NULL DEFAULT 0,  -- of these, who are out again at present
    last_scan_at   timestamptz,
    last_scan_door text,
    CONSTRAINT ticket_admits_its_party CHECK (0 <= gone AND gone <= admitted AND admitted <= party)
);

-- People inside, by floor. One row for each floor of a night, locked in the order of `floor`.
CREATE TABLE headcount (
    night  date NOT NULL REFERENCES night (date),
    floor  text NOT NULL,
    people integer NOT NULL DEFAULT 0 CONSTRAINT headcount_not_negative CHECK (people >= 0),
    people_limit integer NOT NULL CONSTRAINT headcount_limit CHECK (people_limit > 0),
    PRIMARY KEY (night, floor)
);
