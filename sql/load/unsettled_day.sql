-- The posts of which the classifier in use has said something that may not count yet.
create or replace temp table unsettled as
select post_id from other_readings semi join in_use using (classifier, version) where posted_at between $since and $until
