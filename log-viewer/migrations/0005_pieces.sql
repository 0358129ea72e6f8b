-- Which pieces of a block's text a word is in; see store/pieces.rs. A block of one piece has no row.
create table piece_words (
    id integer primary key,
    data blob not null
) strict;
