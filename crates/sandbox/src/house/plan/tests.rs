//! What is shown where.
