-- Messages that retraining is due, one a training set and receiver.
-- night: night of the training set
-- version: training set
-- receiver: event, webhook or command
-- status: waiting to be sent; told; refused by the receiver; withdrawn by a person
-- attempts: times it was sent, or about to be
-- answer: what came back last; null where it was not sent yet
select cast(night as date) as night, version, receiver, cast(status as varchar) as status, attempts, answer
from lake_outbox
