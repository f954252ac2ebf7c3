"""Reading and writing data: folders of pictures, decoding, encoding, annotation files."""
