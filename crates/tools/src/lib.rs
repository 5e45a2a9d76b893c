//! The road of every action: registry, broker, built-in tools, approvals.
