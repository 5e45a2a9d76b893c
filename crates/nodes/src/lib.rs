//! The gateway to nodes: enrolment, connections, dispatch, results.
