-- A refund that Stripe refused, or could not make, is tried again under another key: the old one
-- would repeat the answer.
GRANT UPDATE (key) ON refund TO jobs;
