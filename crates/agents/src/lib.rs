//! Agent registry, the rule-based planner, skills.
