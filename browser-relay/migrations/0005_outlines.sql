-- Which functions stand where in the text; null where the map has no text, or was uploaded before there were outlines.
alter table source_map_sources add column outline blob;
