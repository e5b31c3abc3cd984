"""A run directory under a prefix of an object store, through `pyarrow.fs`.

Objects are written whole, and nothing can be appended to: a line is appended by writing the small
object again. A request takes milliseconds, so a checkpoint is uploaded in the background while
the run goes on. Whatever else the same run writes waits for that upload, and no run has more than
one. A killed run therefore leaves what it would have left in a folder: its writes up to some
moment, in their order, each of them whole.

Credentials, region and endpoint are found as the store's own tools find them (for S3 the
variables AWS_*, ~/.aws, the machine's role), or are part of the address:
s3://bucket/prefix?region=…&endpoint_override=….
"""
