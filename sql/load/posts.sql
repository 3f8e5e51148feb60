-- The windowed MERGE: without the bounds it would read every post ever stored.
merge into posts using (
    select
        post_id, platform, native_id, $source as source, kind, version, posted_at, edited_at, observed_at, fetched_at,
        author_key, title, text, lang, url, thread_id, parent_key, relation, ref_key, metrics, sensitive, terms,
        sentiment, sentiment_score, noise, benefits, signals, is_own, classifier, classifier_version, 1 as rev, $batch_id as batch_id
    from changes
    order by posted_at
) as new
on posts.post_id = new.post_id and posts.posted_at between $since and $until
when matched then update set
    version = new.version, edited_at = new.edited_at, observed_at = new.observed_at, fetched_at = new.fetched_at,
    title = new.title, text = new.text, lang = new.lang, url = new.url, metrics = new.metrics,
    sensitive = new.sensitive, sentiment = new.sentiment, sentiment_score = new.sentiment_score,
    noise = new.noise, benefits = new.benefits, signals = new.signals, is_own = new.is_own,
    classifier = new.classifier, classifier_version = new.classifier_version,
    rev = posts.rev + (posts.text != new.text)::integer, batch_id = new.batch_id
when not matched then insert by name
