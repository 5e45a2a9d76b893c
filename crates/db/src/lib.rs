//! The only owner of database connections: contexts, organisation-scoped transactions, migrations, blobs.
