//! Organisations, users, sessions, keys, invitations, roles.
