//! The tamper-evident record: sequencer, checkpoints, proofs, verification, export.
