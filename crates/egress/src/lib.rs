//! The one way out by HTTP: resolves, pins, refuses, bounds.
