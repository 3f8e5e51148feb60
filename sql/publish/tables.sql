-- What analysts, BI tools and reports open: the tables of the store, sorted by day and brand.
-- Rejects go without their payload, and machine marks stay behind.
create table snapshot.meta as
select
    (select max(schema_version) from meta) as schema_version, now() at time zone 'UTC' as published_at,
    (select count(*) from posts) as n_posts, (select count(*) from mentions) as n_mentions,
    (select count(*) from ring_tags) as n_ring_tags;

create table snapshot.rings as from rings order by position;
create table snapshot.facets as from facets;
create table snapshot.queries as from queries order by query;
create table snapshot.targets as from targets;
create table snapshot.batches as from batches order by committed_at;
create table snapshot.posts as from posts order by posted_at::date, platform, post_id;
create table snapshot.post_versions as from post_versions order by posted_at::date, post_id, fetched_at;
create table snapshot.mentions as from mentions order by posted_at::date, brand, post_id;
create table snapshot.ring_tags as from ring_tags order by posted_at::date, post_id, ring;
create table snapshot.other_readings as
from other_readings order by posted_at::date, post_id, classifier, version;
create table snapshot.rejects as select * exclude (payload) from rejects order by rejected_at;
create table snapshot.gaps as from gaps order by noted_at;
create table snapshot.coverage_ledger as from coverage_ledger order by day, source, query;
create table snapshot.daily_rings as from daily_rings order by day, brand, ring;
create table snapshot.daily_mentions as from daily_mentions order by day, brand;

create schema snapshot.trends
