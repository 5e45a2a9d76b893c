//! Versioned wire types between gateway and node.
