-- What a camera says of its picture, each second: 'well', or what is wrong in a few words.
ALTER TABLE device
    ADD COLUMN picture           text,
    ADD COLUMN frames_per_second real;
