//! Publishers, subscribers and those who go, in every order that a schedule checker tries: see `cargo xtask schedules`.
