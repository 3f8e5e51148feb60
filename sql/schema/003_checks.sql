-- What platforms answered when they were asked whether a stored post is still there: when that was, and since when the
-- post is absent. Absence is no proof: missed_at is null again as soon as the post is seen.
create table checks (post_id bigint not null, checked_at timestamp not null, missed_at timestamp);

-- What a post said before it was edited; what it says now is in posts.
create table post_versions (
    post_id bigint not null, posted_at timestamp not null, version varchar not null, edited_at timestamp,
    fetched_at timestamp not null, title varchar, text varchar not null, batch_id varchar not null
);

-- purged_at: no file holds anything of the post any more; native_id is only kept until then, to find it.
alter table tombstones add column native_id varchar;
alter table tombstones add column purged_at timestamp;

-- Mentions that left because their platform took the post back. Always:
-- n_new = n_deleted + the mentions that are there.
alter table coverage_ledger add column n_deleted integer default 0
