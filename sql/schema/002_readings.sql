-- What a classifier says of a post is a reading. One reading of each post counts, and stands in posts and ring_tags;
-- here is what the others say of it: an earlier version, a classifier on trial, or the one that a person corrected.
create table other_readings (
    post_id bigint not null, posted_at timestamp not null, lang varchar, sentiment varchar, sentiment_score float,
    noise varchar[] not null, benefits varchar[] not null, signals varchar[] not null,
    rings struct(
        ring varchar, sentiment varchar, score float, evidence_start integer, evidence_end integer, facets varchar[],
        target varchar
    )[] not null,
    classifier varchar not null, version varchar not null, batch_id varchar not null
);

-- The classifier whose readings count where there are any: that of the config, as of the last load.
create table in_use (classifier varchar not null, version varchar not null);

-- What people corrected, as of the last load; version tells one correction of a post from another.
create table corrections (
    post_id bigint not null, sentiment varchar not null,
    rings struct(ring varchar, sentiment varchar, facets varchar[])[] not null, version varchar not null
);

-- What the experience gives the customer, and the signals of what lies beneath: of the post, as its reading says.
alter table posts add column benefits varchar[] default [];
alter table posts add column signals varchar[] default [];

-- In a post that names several brands, the query whose brand the tag is about: it counts for that brand only, whatever
-- the brand is called by then. A tag without one counts for every mention of the post.
alter table ring_tags add column target varchar;

-- Posted by the brand itself: noise, whatever a classifier thinks of the words.
alter table posts add column is_own boolean default false;
update posts set is_own = list_contains(noise, 'brand_own')
