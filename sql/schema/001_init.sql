-- The store. No key and no index on posts, mentions or tags: the windowed MERGE makes a batch idempotent.
-- Times are UTC. A post's identity is (platform, native_id); post_id is 63 bits of its SHA-256.

create table rings (ring varchar not null, position integer not null, question varchar not null, lens varchar not null);
create table facets (ring varchar not null, facet varchar not null);

-- What the config says, as of the last load; a query that left the config stays, for its mentions are still there.
create table queries (query varchar not null, brand varchar not null, role varchar not null, terms varchar not null);
create table targets (ring varchar not null, target double not null, owner varchar);

-- The idempotence marker: a row per landing file applied, written with its data.
create table batches (
    batch_id varchar not null, source varchar not null, query varchar not null, n_rows integer not null,
    min_posted_at timestamp, max_posted_at timestamp, committed_at timestamp not null
);
create table cursors (
    source varchar not null, query varchar not null, cursor varchar not null, batch_id varchar not null,
    updated_at timestamp not null
);

create table posts (
    post_id bigint not null, platform varchar not null, native_id varchar not null, source varchar not null,
    kind varchar not null, version varchar not null, posted_at timestamp not null, edited_at timestamp,
    observed_at timestamp not null, fetched_at timestamp not null, author_key bigint, title varchar,
    text varchar not null, lang varchar, url varchar, thread_id varchar, parent_key varchar,
    relation varchar not null, ref_key varchar, metrics map(varchar, bigint) not null, sensitive boolean not null,
    terms varchar not null, sentiment varchar, sentiment_score float, noise varchar[] not null,
    classifier varchar not null, classifier_version varchar not null, rev integer not null, batch_id varchar not null
);

-- A post that matched a query. duplicate_of: an earlier post of the same brand with the same text.
create table mentions (
    post_id bigint not null, query varchar not null, brand varchar not null, source varchar not null,
    platform varchar not null, posted_at timestamp not null, text_key bigint not null, duplicate_of bigint,
    batch_id varchar not null
);

-- Evidence is a half-open span of posts.text, in code points.
create table ring_tags (
    post_id bigint not null, posted_at timestamp not null, ring varchar not null, sentiment varchar not null,
    score float not null, evidence_start integer not null, evidence_end integer not null, facets varchar[] not null,
    classifier varchar not null, version varchar not null, batch_id varchar not null
);

create table rejects (
    source varchar not null, query varchar not null, native_id varchar, stage varchar not null,
    reason varchar not null, place varchar not null, payload varchar not null, batch_id varchar not null,
    rejected_at timestamp not null
);
create table gaps (
    source varchar not null, query varchar not null, reason varchar not null, since timestamp, until timestamp,
    batch_id varchar not null, noted_at timestamp not null
);

-- A post that its platform took back: its text and tags are gone, and it is not taken in again.
create table tombstones (post_id bigint not null, platform varchar not null, state varchar not null, noted_at timestamp not null);

-- What was asked and what came, per batch and day. The day is the post's; a request, and a reject without a
-- readable time, count on the day of the fetch. Always: fetched = mapped + rejected, mapped = unmatched + known + new.
create table coverage_ledger (
    source varchar not null, query varchar not null, day date not null, n_asked integer not null,
    n_fetched integer not null, n_mapped integer not null, n_rejected integer not null, n_unmatched integer not null,
    n_known integer not null, n_new integer not null, batch_id varchar not null
);

-- Rollups of the counted: a mention that is neither folded as a duplicate nor noise, once per brand.
create table daily_rings (
    day date not null, brand varchar not null, source varchar not null, platform varchar not null, ring varchar not null,
    n integer not null, n_positive integer not null, n_neutral integer not null, n_negative integer not null
);
-- n = n_duplicate + n_noise + n_tagged + n_untagged; sentiments are of the counted (tagged and untagged).
create table daily_mentions (
    day date not null, query varchar not null, brand varchar not null, source varchar not null, platform varchar not null,
    n integer not null, n_duplicate integer not null, n_noise integer not null, n_tagged integer not null,
    n_untagged integer not null, n_unknown_language integer not null,
    n_positive integer not null, n_neutral integer not null, n_negative integer not null
);
