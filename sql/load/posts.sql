-- The windowed MERGE: without the bounds it would read every post ever stored.
merge into posts using (from changes order by posted_at) as new
on posts.post_id = new.post_id and posts.posted_at between $since and $until
when matched then update set
    version = new.version, edited_at = new.edited_at, observed_at = new.observed_at, fetched_at = new.fetched_at,
    title = new.title, text = new.text, lang = new.lang, url = new.url, metrics = new.metrics,
    sensitive = new.sensitive, sentiment = new.sentiment, sentiment_score = new.sentiment_score,
    noise = new.noise, classifier = new.classifier, classifier_version = new.classifier_version,
    rev = posts.rev + 1, batch_id = $batch_id
when not matched then insert by name (
    select
        new.post_id, new.platform, new.native_id, $source as source, new.kind, new.version, new.posted_at,
        new.edited_at, new.observed_at, new.fetched_at, new.author_key, new.title, new.text, new.lang, new.url,
        new.thread_id, new.parent_key, new.relation, new.ref_key, new.metrics, new.sensitive, new.terms,
        new.sentiment, new.sentiment_score, new.noise, new.classifier, new.classifier_version, 1 as rev,
        $batch_id as batch_id
)
