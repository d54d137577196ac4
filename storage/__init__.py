"""Facts on disk: the ledger, the media, the dataset versions, and the formats they come and go in.

The only room with SQL, SQLAlchemy and file layout. It imports none of our other rooms.
"""
