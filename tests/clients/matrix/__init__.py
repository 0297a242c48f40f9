"""Client matrix: real S3 clients against real stores, directly and through the gate."""
