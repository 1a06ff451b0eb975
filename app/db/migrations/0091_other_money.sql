-- Money that came online and is not what was asked for is recorded as it came, and waits for a person
-- as money of the desk does: in the same list, until somebody has seen it. Pounds alone are counted as
-- a booking's; money in another currency goes back whole, in its own smallest unit.
ALTER TABLE payment
    ADD COLUMN currency text NOT NULL DEFAULT 'gbp'
        CONSTRAINT payment_currency CHECK (currency ~ '^[a-z]{3}$'),
    ADD COLUMN differs  text
        CONSTRAINT payment_differs CHECK (differs IN ('less', 'more', 'currency', 'booking')),
    ADD CONSTRAINT payment_differs_online CHECK (method = 'online' OR (differs IS NULL AND currency = 'gbp')),
    ADD CONSTRAINT payment_other_currency CHECK ((currency <> 'gbp') = (coalesce(differs, '') = 'currency'));
DROP INDEX payment_unverified;
CREATE INDEX payment_unverified ON payment (at)
    WHERE (method <> 'online' OR differs IS NOT NULL) AND verified_at IS NULL;

-- What was paid beyond what was asked for, and what was paid in another currency, goes back by itself.
ALTER TABLE refund DROP CONSTRAINT refund_why;
ALTER TABLE refund ADD CONSTRAINT refund_why
    CHECK (why IN ('cancelled', 'late', 'twice', 'goodwill', 'stripe', 'excess', 'currency'));

DROP POLICY verified_by_manager ON payment;
CREATE POLICY verified_by_manager ON payment FOR UPDATE TO app
    USING ((SELECT acts_as('MANAGER', 'SUPER_ADMIN')) AND (method <> 'online' OR differs IS NOT NULL))
    WITH CHECK ((SELECT acts_as('MANAGER', 'SUPER_ADMIN')) AND (method <> 'online' OR differs IS NOT NULL));
