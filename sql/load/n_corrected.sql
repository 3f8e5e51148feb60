-- The posts of which a person's correction counts.
select count(*) from posts where classifier = 'human'
