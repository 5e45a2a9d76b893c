//! The durable engine: journals folded into states, worker, timers, replay.
