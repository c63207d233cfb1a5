//! Limits under a schedule checker.
