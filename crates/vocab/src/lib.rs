//! Words that every part of Chancery shares: ids, actors, time, digests, limits.
